import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "@/lib/api-client";
import type { Job } from "@/lib/api-types";
import { percent } from "@/lib/format";

const PAGE: Record<string, string> = {
  "exchange.run_import": "import",
  "dimse.run_transfer": "pacs",
  "learning.run_round": "learning",
  "learning.evaluate_holdout": "models",
  "learning.answer_inquiry": "learning",
};

/** The slow thing that runs now, with its share done; leads to its page. Nothing when nothing runs. */
export function JobPill({ slug }: { slug: string }) {
  const { t } = useTranslation();
  const jobs = useQuery({
    queryKey: ["jobs", slug],
    queryFn: ({ signal }) => api.get<Job[]>(`/projects/${slug}/jobs/`, { signal, query: { active: 1 } }),
    refetchInterval: 3000,
    staleTime: 0,
  });
  const job = jobs.data?.find((candidate) => candidate.task in PAGE) ?? jobs.data?.[0];
  if (!job) return null;
  const share = shareOf(job.progress);
  const name = t(`job.${job.task.replace(".", "_")}`, { defaultValue: t("job.other") });
  return (
    <Link to={`/p/${slug}/${PAGE[job.task] ?? "learning"}`} className="jobpill">
      <Wheel share={share} />
      <span className="num">
        {name}
        {share === null ? "" : ` ${percent(share)}`}
      </span>
    </Link>
  );
}

/** Done of total, or step of steps; null before the job has counted its work. */
function shareOf(progress: Record<string, unknown>): number | null {
  const done = progress.done ?? progress.step;
  const total = progress.total ?? progress.steps;
  if (typeof done !== "number" || typeof total !== "number" || total <= 0) return null;
  return Math.min(1, done / total);
}

function Wheel({ share }: { share: number | null }) {
  const around = 2 * Math.PI * 5.5;
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
      <circle cx="7" cy="7" r="5.5" fill="none" stroke="#444" strokeWidth="2" />
      <circle
        cx="7"
        cy="7"
        r="5.5"
        fill="none"
        stroke="var(--accent)"
        strokeWidth="2"
        strokeDasharray={`${(share ?? 0.12) * around} ${around}`}
        transform="rotate(-90 7 7)"
      />
    </svg>
  );
}
