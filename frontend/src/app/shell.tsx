import { IconHelpCircle } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, useLocation, useNavigation, useParams } from "react-router";
import { JobPill } from "@/app/job-pill";
import { LanguageSwitch } from "@/app/language-switch";
import { NotFoundPage } from "@/app/not-found";
import { OfflineStrip } from "@/app/offline-strip";
import { pagesFor } from "@/app/pages";
import { PersonMenu } from "@/app/person-menu";
import { ProjectMenu } from "@/app/project-menu";
import { UnsentStrip } from "@/app/unsent-strip";
import { currentLanguage, languageOf, switchLanguage } from "@/lib/i18n";
import { useMe } from "@/lib/me";
import { useKeys } from "@/lib/use-keys";
import { IconButton } from "@/ui/button";
import { ErrorState } from "@/ui/error-state";
import { Logo } from "@/ui/logo";

const loadJumpDialog = () => import("@/app/jump-dialog").then((module) => ({ default: module.JumpDialog }));
const JumpDialog = lazy(loadJumpDialog);
const KeysDialog = lazy(() => import("@/ui/keys-dialog").then((module) => ({ default: module.KeysDialog })));

/** The frame of every page but the reading room: a 48 px bar above the page. */
export function Shell() {
  const { t } = useTranslation();
  const { slug } = useParams();
  const location = useLocation();
  const navigation = useNavigation();
  const me = useMe();
  const [keysShown, showKeys] = useState(false);
  const [jumping, setJumping] = useState(false);
  const project = me.data?.projects.find((candidate) => candidate.slug === slug);

  useEffect(() => {
    if (!me.data) return;
    const wanted = languageOf(me.data.language);
    if (wanted !== currentLanguage()) void switchLanguage(wanted);
  }, [me.data]);
  useEffect(() => {
    // Fetched once the page is quiet: who presses Ctrl K types on at once, and no letter may be lost.
    const timer = setTimeout(() => void loadJumpDialog(), 3000);
    return () => clearTimeout(timer);
  }, []);
  useKeys({ "?": () => showKeys(true), "mod+k": () => setJumping(true) });

  return (
    <div className="app">
      <a className="skip" href="#page">
        {t("skip")}
      </a>
      <header className="top">
        <Link to="/" className="logo" aria-label={`Overread: ${t("allProjects")}`}>
          <Logo />
          Overread
        </Link>
        {me.data ? <ProjectMenu me={me.data} current={project} /> : null}
        <nav className="nav" aria-label={t("pages")}>
          {project
            ? pagesFor(project).map((page) => (
                <NavLink
                  key={page}
                  to={`/p/${project.slug}/${page}`}
                  className={({ isActive }) => (isActive ? "on" : "")}
                >
                  {t(`nav.${page}`)}
                </NavLink>
              ))
            : null}
        </nav>
        <span className="grow" />
        {project?.role === "lead" ? <JobPill slug={project.slug} /> : null}
        <LanguageSwitch />
        <IconButton label={t("keys.title")} onClick={() => showKeys(true)}>
          <IconHelpCircle size={18} stroke={1.6} />
        </IconButton>
        {me.data ? <PersonMenu me={me.data} /> : null}
      </header>
      <div>
        <OfflineStrip />
        {me.data ? <UnsentStrip user={me.data.username} /> : null}
      </div>
      <main id="page" className="page" key={slug} tabIndex={-1} aria-busy={navigation.state === "loading"}>
        {navigation.state === "loading" || me.isPending ? (
          <div className="loading-line" aria-hidden="true" />
        ) : null}
        {me.isError ? (
          <ErrorState error={me.error} retry={() => void me.refetch()} />
        ) : (
          <Suspense key={location.pathname} fallback={null}>
            {me.data ? slug && !project ? <NotFoundPage /> : <Outlet /> : null}
          </Suspense>
        )}
      </main>
      <Suspense fallback={null}>
        {keysShown ? (
          <KeysDialog opened isLead={project?.role === "lead"} onClose={() => showKeys(false)} />
        ) : null}
        {me.data && jumping ? (
          <JumpDialog me={me.data} slug={project?.slug} onClose={() => setJumping(false)} />
        ) : null}
      </Suspense>
    </div>
  );
}
