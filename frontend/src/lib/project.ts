import { queryOptions, useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { api } from "@/lib/api-client";
import type { Project } from "@/lib/api-types";

export const projectKey = (slug: string) => ["project", slug] as const;

/** The slug of the page's project, from its address. */
export function useSlug(): string {
  const { slug } = useParams();
  if (!slug) throw new Error("This page belongs to a project");
  return slug;
}

export const projectQuery = (slug: string) =>
  queryOptions({
    queryKey: projectKey(slug),
    queryFn: ({ signal }) => api.get<Project>(`/projects/${slug}/`, { signal }),
    staleTime: 60_000,
  });

/** A project with its vocabulary and the reader's role in it. */
export function useProject(slug: string) {
  return useQuery(projectQuery(slug));
}
