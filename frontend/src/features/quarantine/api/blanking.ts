import { useMutation, useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Rectangle, Room } from "@/lib/api-types";
import { frameOf, seriesRoot } from "@/lib/wado";

interface Blanking {
  rectangles: Rectangle[];
  /** Empty: all images of the case. */
  sop_instance_uid: string;
  reason: string;
}

export const storedCase = (slug: string, caseId: string) => ["stored-case", slug, caseId];

/** The case with its images; nothing is leased. */
export function useStoredCase(slug: string, caseId: string) {
  return useQuery({
    queryKey: storedCase(slug, caseId),
    queryFn: ({ signal }) => api.get<Room>(`/projects/${slug}/cases/${caseId}/`, { signal }),
  });
}

export function useBlank(slug: string, caseId: string) {
  return useMutation({
    mutationFn: (given: Blanking) =>
      api.post<{ job: string; images: number }>(`/projects/${slug}/cases/${caseId}/blank/`, given),
  });
}

/** A frame of an instance as an eye should see it: the middle one where none is named. */
export function pictureOf(
  series: Room["series"],
  instance: Room["series"]["instances"][number],
  frame = Math.ceil(instance.number_of_frames / 2),
): string {
  const [path, version] = frameOf(instance, frame).split("?");
  return `${seriesRoot(series)}/${path}/rendered?${version}`;
}
