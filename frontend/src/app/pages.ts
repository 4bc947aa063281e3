import type { ProjectBrief } from "@/lib/api-types";

export const PAGES = [
  "worklist",
  "review",
  "learning",
  "models",
  "cases",
  "second-look",
  "import",
  "pacs",
  "export",
  "settings",
] as const;
export type Page = (typeof PAGES)[number];

const BY_ROLE: Record<ProjectBrief["role"], readonly Page[]> = {
  lead: PAGES,
  reviewer: ["worklist", "review", "second-look"],
  reader: ["worklist"],
};

/** The pages of a project that a role may open: readers read, reviewers decide on what was read and look again, leads see everything. */
export function pagesFor(project: Pick<ProjectBrief, "role">): readonly Page[] {
  return BY_ROLE[project.role];
}
