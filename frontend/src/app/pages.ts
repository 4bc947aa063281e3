import type { ProjectBrief } from "@/lib/api-types";

export const PAGES = ["worklist", "learning", "models", "cases", "import", "settings"] as const;
export type Page = (typeof PAGES)[number];

/** The pages of a project that a role may open: readers read, leads see everything. */
export function pagesFor(project: Pick<ProjectBrief, "role">): readonly Page[] {
  return project.role === "lead" ? PAGES : ["worklist"];
}
