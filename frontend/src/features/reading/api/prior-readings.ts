import { useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { PriorReading, Room } from "@/lib/api-types";

/** What was read in the patient's earlier studies; never asked for in a blinded reading, where nothing would come. */
export function usePriorReadings(slug: string, room: Room) {
  const open = room.arm === "assisted" || room.readonly === "submitted";
  return useQuery({
    queryKey: ["prior-readings", slug, room.case.id, room.first_look, room.readonly],
    queryFn: ({ signal }) =>
      api.get<PriorReading[]>(`/projects/${slug}/cases/${room.case.id}/prior-readings/`, { signal }),
    enabled: open && !room.first_look,
    staleTime: 60_000,
  });
}
