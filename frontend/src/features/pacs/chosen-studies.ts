/** Which studies and series of a search are picked: a whole study, or some of its series. */
import type { FoundStudy, WantedStudy } from "@/lib/api-types";

/** Study UID → "all", or the UIDs of the series picked (never empty). */
export type Chosen = ReadonlyMap<string, "all" | ReadonlySet<string>>;

export const NOTHING: Chosen = new Map();

/** Pick a study as a whole, or let it go if anything of it was picked. */
export function toggleStudy(chosen: Chosen, study: string): Chosen {
  const next = new Map(chosen);
  if (!next.delete(study)) next.set(study, "all");
  return next;
}

/** Pick one series or let it go; `all`: the study's series, so that picking the last one picks the study. */
export function toggleSeries(chosen: Chosen, study: string, series: string, all: readonly string[]): Chosen {
  const before = chosen.get(study);
  const picked = new Set(before === "all" ? all : before);
  if (!picked.delete(series)) picked.add(series);
  const next = new Map(chosen);
  if (picked.size === 0) next.delete(study);
  else next.set(study, all.every((one) => picked.has(one)) ? "all" : picked);
  return next;
}

/** What is asked for: how many images there are is known of whole studies only. */
export function wanted(chosen: Chosen, studies: readonly FoundStudy[]): WantedStudy[] {
  return studies.flatMap((study) => {
    const picked = chosen.get(study.study_instance_uid);
    if (!picked) return [];
    if (picked === "all") return [{ study: study.study_instance_uid, instances: study.number_of_instances }];
    return [{ study: study.study_instance_uid, series: [...picked], instances: null }];
  });
}
