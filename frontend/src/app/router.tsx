import { Suspense } from "react";
import { createBrowserRouter, type LoaderFunctionArgs, Navigate, Outlet } from "react-router";
import { RouterProvider } from "react-router/dom";
import { FirstPaint } from "@/app/first-paint";
import { NotFoundPage, PageCrash } from "@/app/not-found";
import { type LoadPage, PageNotLoaded } from "@/app/page-not-loaded";
import { Shell } from "@/app/shell";
import { beginOpening } from "@/features/reading/state/opening";
import i18n from "@/lib/i18n";
import { meQuery } from "@/lib/me";
import { projectQuery } from "@/lib/project";
import { queryClient } from "@/lib/query-client";

/** A page that is fetched when it is first opened: the viewer must not weigh on the worklist. */
const lazily = (load: LoadPage) => ({
  // The router draws nothing at all when `lazy` rejects, so a page that cannot be fetched is a page of its own.
  lazy: () =>
    load().then(
      (module) => ({ Component: module.default }),
      () => ({ element: <PageNotLoaded load={load} /> }),
    ),
  errorElement: <PageCrash />,
});

/** The reading that the room is opened to review; null where the case is opened to be read. */
const reviewedIn = (url: URL) => url.searchParams.get("review");

/** The case is asked for beside the room's code, not after it. */
function begin({ params, request }: LoaderFunctionArgs): null {
  const { slug, caseId } = params;
  if (slug && caseId) {
    beginOpening(slug, caseId, reviewedIn(new URL(request.url)));
    void queryClient.prefetchQuery(projectQuery(slug));
  }
  void queryClient.prefetchQuery(meQuery);
  void i18n.loadNamespaces("reading");
  return null;
}

const router = createBrowserRouter([
  {
    errorElement: <PageCrash />,
    hydrateFallbackElement: <FirstPaint />,
    children: [
      {
        // The reading room fills the screen: no shell.
        path: "/p/:slug/read/:caseId",
        element: (
          <Suspense fallback={null}>
            <Outlet />
          </Suspense>
        ),
        loader: begin,
        shouldRevalidate: ({ currentUrl, nextUrl }) =>
          currentUrl.pathname !== nextUrl.pathname || reviewedIn(currentUrl) !== reviewedIn(nextUrl),
        children: [{ index: true, ...lazily(() => import("@/features/reading/reading-room-page")) }],
      },
      {
        element: <Shell />,
        children: [
          { path: "/", ...lazily(() => import("@/features/projects/projects-page")) },
          { path: "/new", ...lazily(() => import("@/features/wizard/wizard-page")) },
          { path: "/tokens", ...lazily(() => import("@/features/tokens/tokens-page")) },
          {
            path: "/p/:slug",
            children: [
              { index: true, element: <Navigate to="worklist" replace /> },
              { path: "worklist", ...lazily(() => import("@/features/worklist/worklist-page")) },
              { path: "cases", ...lazily(() => import("@/features/worklist/cases-page")) },
              { path: "cases/:caseId/blank", ...lazily(() => import("@/features/quarantine/blank-page")) },
              { path: "review", ...lazily(() => import("@/features/review/review-page")) },
              { path: "learning", ...lazily(() => import("@/features/learning/learning-page")) },
              { path: "models", ...lazily(() => import("@/features/models/models-page")) },
              { path: "models/:number", ...lazily(() => import("@/features/models/model-page")) },
              { path: "second-look", ...lazily(() => import("@/features/second-look/second-look-page")) },
              { path: "models/:number/card", ...lazily(() => import("@/features/models/card-page")) },
              { path: "models/:number/compare", ...lazily(() => import("@/features/models/compare-page")) },
              { path: "models/:number/inside", ...lazily(() => import("@/features/inspector/choose-case-page")) },
              {
                path: "models/:number/inside/:caseId",
                ...lazily(() => import("@/features/inspector/inspector-page")),
              },
              { path: "import", ...lazily(() => import("@/features/imports/import-page")) },
              { path: "pacs", ...lazily(() => import("@/features/pacs/pacs-page")) },
              { path: "quarantine", ...lazily(() => import("@/features/quarantine/quarantine-page")) },
              { path: "export", ...lazily(() => import("@/features/exports/export-page")) },
              { path: "settings", ...lazily(() => import("@/features/settings/settings-page")) },
            ],
          },
          { path: "*", element: <NotFoundPage /> },
        ],
      },
    ],
  },
]);

export function AppRouter() {
  return <RouterProvider router={router} />;
}
