import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Job, Rectangle, Room } from "@/lib/api-types";
import { frameOf, seriesRoot } from "@/lib/wado";

interface Blanking {
  rectangles: Rectangle[];
  /** Empty: all images of the case. */
  sop_instance_uid: string;
  reason: string;
}

/** The case with its images; nothing is leased. */
export function useStoredCase(slug: string, caseId: string) {
  return useQuery({
    queryKey: ["stored-case", slug, caseId],
    queryFn: ({ signal }) => api.get<Room>(`/projects/${slug}/cases/${caseId}/`, { signal }),
  });
}

export function useBlank(slug: string, caseId: string) {
  return useMutation({
    mutationFn: (given: Blanking) =>
      api.post<{ job: string; images: number }>(`/projects/${slug}/cases/${caseId}/blank/`, given),
  });
}

/** The job that blanks, asked again until it has ended; then the case shows other pixels. */
export function useBlankingJob(slug: string, caseId: string, id: string | undefined) {
  const client = useQueryClient();
  return useQuery({
    queryKey: ["blanking", slug, id],
    enabled: id !== undefined,
    queryFn: async ({ signal }) => {
      const job = await api.get<Job>(`/projects/${slug}/jobs/${id}/`, { signal });
      // Nothing is said to be blanked while the former picture is still shown.
      if (hasEnded(job)) await client.invalidateQueries({ queryKey: ["stored-case", slug, caseId] });
      return job;
    },
    refetchInterval: (query) => (query.state.data && hasEnded(query.state.data) ? false : 1000),
  });
}

export const hasEnded = (job: Job) => job.state !== "queued" && job.state !== "running";

/** The middle frame of an instance as an eye should see it. */
export function pictureOf(series: Room["series"], instance: Room["series"]["instances"][number]): string {
  const [path, version] = frameOf(instance, Math.ceil(instance.number_of_frames / 2)).split("?");
  return `${seriesRoot(series)}/${path}/rendered?${version}`;
}
