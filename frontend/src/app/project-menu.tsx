import { Menu } from "@mantine/core";
import { IconCheck, IconChevronDown, IconLayoutGrid, IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import type { Me, ProjectBrief } from "@/lib/api-types";

/** Which project this is, and the way to the others. */
export function ProjectMenu({ me, current }: { me: Me; current: ProjectBrief | undefined }) {
  const { t } = useTranslation();
  const atWizard = useLocation().pathname === "/new";
  const name = current?.name ?? (atWizard ? t("newProject") : t("projects"));
  return (
    <Menu position="bottom-start" width={280}>
      <Menu.Target>
        <button type="button" className="proj" aria-label={t("switchProject", { name })}>
          <span className="ell" style={{ maxWidth: 240 }}>
            {name}
          </span>
          <IconChevronDown size={14} stroke={1.6} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {me.projects.map((project) => (
          <Menu.Item
            key={project.slug}
            component={Link}
            to={`/p/${project.slug}/worklist`}
            rightSection={
              project.slug === current?.slug ? (
                <IconCheck size={14} />
              ) : (
                <span className="q sm">{project.modality}</span>
              )
            }
          >
            {project.name}
          </Menu.Item>
        ))}
        {me.projects.length ? <Menu.Divider /> : null}
        <Menu.Item component={Link} to="/" leftSection={<IconLayoutGrid size={16} stroke={1.6} />}>
          {t("allProjects")}
        </Menu.Item>
        {me.may_create_projects ? (
          <Menu.Item component={Link} to="/new" leftSection={<IconPlus size={16} stroke={1.6} />}>
            {t("newProject")}
          </Menu.Item>
        ) : null}
      </Menu.Dropdown>
    </Menu>
  );
}
