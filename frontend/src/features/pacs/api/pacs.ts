import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type {
  FoundSeries,
  FoundStudies,
  NodeAnswer,
  Pacs,
  RemoteNode,
  RemoteNodeChange,
  RemoteNodeIn,
  SearchKeys,
  SendableReading,
  Transfer,
  WantedStudy,
} from "@/lib/api-types";

const root = (slug: string) => `/projects/${slug}/pacs/`;
const nodePath = (slug: string, id: string) => `${root(slug)}nodes/${id}/`;
const transfersKey = (slug: string) => ["pacs", slug, "transfers"] as const;

/** The project's nodes and how it receives. */
export function usePacs(slug: string) {
  return useQuery({
    queryKey: ["pacs", slug],
    queryFn: ({ signal }) => api.get<Pacs>(root(slug), { signal }),
  });
}

/** Add a node, or change one. */
export function useSaveNode(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, node }: { id: string | undefined; node: RemoteNodeIn }) => {
      if (!id) return api.post<RemoteNode>(root(slug), node);
      const { kind: _, ...change } = node;
      return api.patch<RemoteNode>(nodePath(slug, id), change satisfies RemoteNodeChange);
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["pacs", slug], exact: true }),
  });
}

export function useDeleteNode(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.delete(nodePath(slug, id)),
    onSuccess: () => client.invalidateQueries({ queryKey: ["pacs", slug], exact: true }),
  });
}

export function useTestNode(slug: string) {
  return useMutation({ mutationFn: (id: string) => api.post<NodeAnswer>(`${nodePath(slug, id)}test/`) });
}

export function useSetReceivingTitle(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (title: string) => api.put<Pacs>(`${root(slug)}receiving/`, { ae_title: title }),
    onSuccess: (pacs) => client.setQueryData(["pacs", slug], pacs),
  });
}

/** A search is a mutation: what a PACS answers is patient data and lies in no cache. */
export function useSearch(slug: string) {
  return useMutation({
    gcTime: 0,
    mutationFn: ({ node, keys }: { node: string; keys: SearchKeys }) =>
      api.post<FoundStudies>(`${nodePath(slug, node)}studies/`, keys),
  });
}

/** The series of a found study, asked for when its row is opened. */
export function useSeries(slug: string, node: string, study: string) {
  return useQuery({
    queryKey: ["pacs", slug, "series", node, study],
    queryFn: ({ signal }) => api.post<FoundSeries[]>(`${nodePath(slug, node)}series/`, { study }, { signal }),
    gcTime: 0,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

const isBusy = (transfer: Transfer) => transfer.state === "queued" || transfer.state === "running";

/** The newest transfers; asked again each second while one runs. */
export function useTransfers(slug: string) {
  return useQuery({
    queryKey: transfersKey(slug),
    queryFn: ({ signal }) => api.get<Transfer[]>(`${root(slug)}transfers/`, { signal }),
    staleTime: 0,
    refetchInterval: (query) => (query.state.data?.some(isBusy) ? 1000 : false),
  });
}

function useTransferAct<Given>(slug: string, act: (given: Given) => Promise<Transfer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: () => client.invalidateQueries({ queryKey: transfersKey(slug) }),
  });
}

export const usePull = (slug: string) =>
  useTransferAct(slug, (given: { node: string; studies: WantedStudy[] }) =>
    api.post<Transfer>(`${root(slug)}transfers/pull/`, given),
  );

export const useSend = (slug: string) =>
  useTransferAct(slug, (given: { node: string; readings: string[] }) =>
    api.post<Transfer>(`${root(slug)}transfers/send/`, given),
  );

export const useCancelTransfer = (slug: string) =>
  useTransferAct(slug, (id: string) => api.post<Transfer>(`${root(slug)}transfers/${id}/cancel/`));

export const useResumeTransfer = (slug: string) =>
  useTransferAct(slug, (id: string) => api.post<Transfer>(`${root(slug)}transfers/${id}/resume/`));

/** Readings whose objects can be sent; `revision` changes when a transfer has ended. */
export function useSendable(slug: string, revision: number) {
  return useQuery({
    queryKey: ["pacs", slug, "sendable", revision],
    queryFn: ({ signal }) => api.get<SendableReading[]>(`${root(slug)}transfers/send/`, { signal }),
    staleTime: 0,
  });
}
