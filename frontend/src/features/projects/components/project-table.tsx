import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import type { Project } from "@/lib/api-types";
import { count, percent } from "@/lib/format";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";

interface ProjectTableProps {
  projects: Project[];
  at: number;
  onPoint: (index: number) => void;
}

export function ProjectTable({ projects, at, onPoint }: ProjectTableProps) {
  const { t } = useTranslation("projects");
  const navigate = useNavigate();
  return (
    <Card bare style={{ flex: "none" }}>
      <table style={{ "--rh": "56px" } as React.CSSProperties}>
        <thead>
          <tr>
            <th>{t("project")}</th>
            <th>{t("question")}</th>
            <th>{t("images")}</th>
            <th>{t("role")}</th>
            <th style={{ width: 220 }}>{t("read")}</th>
            <th className="r">{t("open")}</th>
          </tr>
        </thead>
        <tbody>
          {projects.map((project, index) => (
            <tr
              key={project.slug}
              className={`go${index === at ? " on" : ""}`}
              aria-current={index === at || undefined}
              onMouseDown={() => onPoint(index)}
              onClick={() => void navigate(`/p/${project.slug}/worklist`)}
            >
              <td className="b">
                <Link
                  to={`/p/${project.slug}/worklist`}
                  style={{ color: "inherit" }}
                  onClick={(event) => event.stopPropagation()}
                >
                  {project.name}
                </Link>
                {project.synthetic ? (
                  <span style={{ marginLeft: 8 }}>
                    <Chip tone="warn">{t("synthetic")}</Chip>
                  </span>
                ) : null}
              </td>
              <td className="sec wrap">{project.question}</td>
              <td className="sec">
                {project.modality} · {t(`unit.${project.unit}`)}
              </td>
              <td>
                <Chip>{t(`common:role.${project.role}`)}</Chip>
              </td>
              <td>
                <Progress done={project.counts.submitted} total={project.counts.cases} />
              </td>
              <td className="r num">{count(project.counts.open)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Progress({ done, total }: { done: number; total: number }) {
  const { t } = useTranslation("projects");
  if (total === 0) return <span className="q">{t("noCases")}</span>;
  return (
    <span className="col" style={{ gap: 5 }}>
      <span className="sm num row sb">
        <span>{t("ofCases", { done: count(done), total: count(total) })}</span>
        <span className="q">{percent(done / total)}</span>
      </span>
      <span className="bar" aria-hidden="true">
        <i style={{ width: `${(done / total) * 100}%` }} />
      </span>
    </span>
  );
}
