import { Modal } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { pagesFor } from "@/app/pages";
import { api } from "@/lib/api-client";
import type { Me, Worklist } from "@/lib/api-types";

interface Target {
  to: string;
  name: string;
  kind: string;
}

/** Ctrl K: jump to a case or a page by typing some of its name. */
export function JumpDialog({ me, slug, onClose }: { me: Me; slug: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [wanted] = useDebouncedValue(text.trim(), 150);
  const cases = useQuery({
    queryKey: ["worklist", slug, "jump", wanted],
    queryFn: ({ signal }) =>
      api.get<Worklist>(`/projects/${slug}/worklist/`, {
        signal,
        query: { search: wanted, state: "all", order: "name", limit: 8 },
      }),
    enabled: Boolean(slug && wanted),
  });

  const pages: Target[] = me.projects.flatMap((project) =>
    pagesFor(project).map((page) => ({
      to: `/p/${project.slug}/${page}`,
      name: `${project.name} · ${t(`nav.${page}`)}`,
      kind: t("jump.page"),
    })),
  );
  pages.push(
    { to: "/", name: t("allProjects"), kind: t("jump.page") },
    { to: "/tokens", name: t("person.tokens"), kind: t("jump.page") },
  );
  const needle = text.trim().toLowerCase();
  const found: Target[] = [
    ...(cases.data?.results ?? []).map((row) => ({
      to: `/p/${slug}/read/${row.id}`,
      name: row.name,
      kind: t("jump.case"),
    })),
    ...pages.filter((page) => page.name.toLowerCase().includes(needle)),
  ].slice(0, 12);
  const chosen = Math.min(at, Math.max(0, found.length - 1));

  const go = (target: Target | undefined) => {
    if (!target) return;
    onClose();
    void navigate(target.to);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, chosen + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, chosen - 1));
    else if (event.key === "Enter") go(found[chosen]);
    else return;
    event.preventDefault();
  };

  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      size={520}
      padding={0}
      yOffset="12vh"
      centered={false}
      aria-label={t("jump.title")}
    >
      <div
        className="in"
        style={{ height: 44, border: 0, borderRadius: 0, borderBottom: "1px solid var(--n5)", outline: 0 }}
      >
        <input
          data-autofocus
          value={text}
          placeholder={t("jump.title")}
          aria-label={t("jump.title")}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul style={{ padding: "6px 0", maxHeight: 420, overflow: "auto" }}>
        {found.map((target, index) => (
          <li key={target.to}>
            <button
              type="button"
              className={`jump${index === chosen ? " on" : ""}`}
              onClick={() => go(target)}
              onMouseMove={() => setAt(index)}
            >
              <span className="grow ell">{target.name}</span>
              <span className="q sm">{target.kind}</span>
            </button>
          </li>
        ))}
        {found.length === 0 && !cases.isFetching ? (
          <li className="q sm" style={{ padding: "8px 16px" }}>
            {t("jump.none", { text })}
          </li>
        ) : null}
      </ul>
    </Modal>
  );
}
