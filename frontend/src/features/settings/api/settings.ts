import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { FindingType, Member, Project, ProjectChange, Role } from "@/lib/api-types";
import { ME } from "@/lib/me";
import { projectKey } from "@/lib/project";
import { type Entry, entryOf, payloadOf } from "@/lib/vocabulary";

export function useUpdateProject(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: ProjectChange) => api.patch<Project>(`/projects/${slug}/`, change),
    onSuccess: async (project) => {
      client.setQueryData(projectKey(slug), project);
      for (const key of [ME, ["projects"], ["worklist", slug]]) await client.invalidateQueries({ queryKey: key });
    },
  });
}

const membersKey = (slug: string) => ["members", slug] as const;

export function useMembers(slug: string) {
  return useQuery({
    queryKey: membersKey(slug),
    queryFn: ({ signal }) => api.get<Member[]>(`/projects/${slug}/members/`, { signal }),
  });
}

export function useSetMember(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (member: { username: string; role: Role }) =>
      api.put<Member>(`/projects/${slug}/members/`, member),
    onSuccess: () => client.invalidateQueries({ queryKey: membersKey(slug) }),
  });
}

export function useRemoveMember(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (username: string) => api.delete(`/projects/${slug}/members/${encodeURIComponent(username)}/`),
    onSuccess: () => client.invalidateQueries({ queryKey: membersKey(slug) }),
  });
}

/** The entries that differ from what the server holds, in the order in which they are to be sent. */
export function changedEntries(entries: Entry[], types: FindingType[]): { entry: Entry; position: number }[] {
  const held = new Map(types.map((type) => [type.id, type]));
  return entries.flatMap((entry, position) => {
    const type = entry.id === undefined ? undefined : held.get(entry.id);
    if (!type) return [{ entry, position }];
    const before = entryOf(type);
    const same =
      JSON.stringify(payloadOf(entry, 0)) === JSON.stringify(payloadOf(before, 0)) &&
      Boolean(entry.retired) === Boolean(before.retired) &&
      type.position === position;
    return same ? [] : [{ entry, position }];
  });
}

/** Send every change of the vocabulary, retirements first, so that their keys and names are free for others. */
export function useSaveVocabulary(slug: string) {
  const client = useQueryClient();
  const root = `/projects/${slug}/finding-types/`;
  return useMutation({
    mutationFn: async (changes: { entry: Entry; position: number }[]) => {
      const order = [...changes].sort(
        (a, b) => Number(Boolean(b.entry.retired)) - Number(Boolean(a.entry.retired)),
      );
      for (const { entry, position } of order) {
        const { scope, ...fields } = payloadOf(entry, position);
        if (entry.id === undefined) await api.post(root, { scope, ...fields });
        else if (entry.retired) await api.patch(`${root}${entry.id}/`, { retired: true });
        else await api.patch(`${root}${entry.id}/`, fields);
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: projectKey(slug) }),
  });
}
