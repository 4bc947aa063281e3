import { IconCheck, IconChevronDown, IconLayoutGrid, IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "react-router";
import type { Me, ProjectBrief } from "@/lib/api-types";
import { Menu, MenuDivider, MenuItem } from "@/ui/menu";

/** Which project this is, and the way to the others. */
export function ProjectMenu({ me, current }: { me: Me; current: ProjectBrief | undefined }) {
  const { t } = useTranslation();
  const atWizard = useLocation().pathname === "/new";
  const name = current?.name ?? (atWizard ? t("newProject") : t("projects"));
  return (
    <Menu
      width={280}
      trigger={(props) => (
        <button type="button" className="proj" aria-label={t("switchProject", { name })} {...props}>
          <span className="ell" style={{ maxWidth: 240 }}>
            {name}
          </span>
          <IconChevronDown size={14} stroke={1.6} />
        </button>
      )}
    >
      {me.projects.map((project) => (
        <MenuItem
          key={project.slug}
          to={`/p/${project.slug}/worklist`}
          right={
            project.slug === current?.slug ? (
              <IconCheck size={14} />
            ) : (
              <span className="q sm">{project.modality}</span>
            )
          }
        >
          {project.name}
        </MenuItem>
      ))}
      {me.projects.length ? <MenuDivider /> : null}
      <MenuItem to="/" icon={<IconLayoutGrid size={16} stroke={1.6} />}>
        {t("allProjects")}
      </MenuItem>
      {me.may_create_projects ? (
        <MenuItem to="/new" icon={<IconPlus size={16} stroke={1.6} />}>
          {t("newProject")}
        </MenuItem>
      ) : null}
    </Menu>
  );
}
