/** The reading room's requests. Saving speaks to the server itself: it must tell "no answer" from every other answer. */
import { api, cookie } from "@/lib/api-client";
import type { Me, Project, Reading, Related, Room } from "@/lib/api-types";
import type { Reply, Transport } from "../state/save-queue";

const base = (slug: string) => `/projects/${encodeURIComponent(slug)}`;

export const openCase = (slug: string, caseId: string) => api.post<Room>(`${base(slug)}/cases/${caseId}/open/`);
export const readRoom = (slug: string, caseId: string) => api.get<Room>(`${base(slug)}/cases/${caseId}/`);
export const readRelated = (slug: string, caseId: string) =>
  api.get<Related>(`${base(slug)}/cases/${caseId}/related/`);
export const readProject = (slug: string) => api.get<Project>(`${base(slug)}/`);
export const readMe = () => api.get<Me>("/me/");
export const nextCase = (slug: string, after: string) =>
  api.post<{ case: string | null }>(`${base(slug)}/worklist/next/`, { after });
export const reopenReading = (slug: string, reading: string) =>
  api.post<Reading>(`${base(slug)}/readings/${reading}/reopen/`);

/** A stored run-length blob. */
export async function fetchBlob(slug: string, digest: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(`/api/v1${base(slug)}/blobs/${digest}/`, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Sign in again without leaving the page; what is wrong in the server's words, null when it is done. */
export async function signInAgain(username: string, password: string): Promise<string | null> {
  const body = new URLSearchParams({ login: username, password });
  const response = await fetch("/accounts/login/", {
    method: "POST",
    headers: {
      "X-CSRFToken": cookie("csrftoken"),
      "X-Requested-With": "XMLHttpRequest",
      Accept: "application/json",
    },
    body,
    credentials: "same-origin",
  });
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  const answer: unknown = isJson ? await response.json() : null;
  if (response.ok && isJson) return null;
  const form = (answer as { form?: { errors?: string[]; fields?: Record<string, { errors?: string[] }> } } | null)
    ?.form;
  const said = [
    ...(form?.errors ?? []),
    ...Object.values(form?.fields ?? {}).flatMap(({ errors }) => errors ?? []),
  ];
  return said.join(" ") || `HTTP ${response.status}`;
}

const PATIENCE_MS = 30_000;

export function transportOf(slug: string, caseId: string): Transport {
  const root = `/api/v1${base(slug)}`;
  const readings = `${root}/readings`;
  const json = { "Content-Type": "application/json" };
  return {
    save: (reading, etag, body, keepalive) =>
      send(`${readings}/${reading}/`, {
        method: "PUT",
        headers: { ...json, "If-Match": etag },
        body: JSON.stringify(body),
        keepalive,
      }),
    submit: (reading, etag) =>
      send(`${readings}/${reading}/submit/`, {
        method: "POST",
        headers: { ...json, "If-Match": etag },
        body: "{}",
      }),
    reveal: (reading, etag) =>
      send(`${readings}/${reading}/reveal/`, {
        method: "POST",
        headers: { ...json, "If-Match": etag },
        body: "{}",
      }),
    reopen: (reading) => send(`${readings}/${reading}/reopen/`, { method: "POST", headers: json, body: "{}" }),
    current: async () => {
      const reply = await send(`${root}/cases/${caseId}/`, { method: "GET" }, (room) => (room as Room).reading);
      return reply;
    },
    putBlob: async (digest, bytes) => {
      const headers = { "Content-Type": "application/octet-stream" };
      const reply = await send(`${root}/blobs/${digest}/`, { method: "PUT", headers, body: bytes });
      return reply.kind === "ok" ? { kind: "stored" } : reply;
    },
  };
}

async function send(
  url: string,
  init: RequestInit,
  readingIn = (body: unknown) => body as Reading,
): Promise<Reply> {
  const headers = new Headers(init.headers);
  headers.set("Accept", "application/json");
  if (init.method !== "GET") headers.set("X-CSRFToken", cookie("csrftoken"));
  // A request that outlives its page cannot be timed out by it.
  const signal = init.keepalive ? null : AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await fetch(url, { ...init, headers, credentials: "same-origin", signal });
    const text = await response.text();
    const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
    return replyOf(response.status, isJson ? JSON.parse(text) : null, readingIn);
  } catch {
    return { kind: "unreachable" };
  }
}

interface Problem {
  detail?: string;
  code?: string;
  current?: Reading;
  undecided?: string[];
}

function replyOf(status: number, body: unknown, readingIn: (body: unknown) => Reading): Reply {
  if (status >= 200 && status < 300) return { kind: "ok", reading: readingIn(body) };
  const problem = (body ?? {}) as Problem;
  if (status === 401) return { kind: "signed_out" };
  if (status === 412) return { kind: "stale", current: problem.current ?? null };
  if (status === 409) {
    if (problem.code === "undecided") return { kind: "undecided", undecided: problem.undecided ?? [] };
    if (problem.code === "no_verdict") return { kind: "no_verdict" };
    if (problem.code === "submitted") return { kind: "submitted", current: problem.current ?? null };
  }
  if (status >= 500 || status === 429) return { kind: "unreachable" };
  return { kind: "refused", reason: reasonOf(status, body), code: problem.code ?? "" };
}

/** Every sentence in a refusal, in the server's own words. */
function reasonOf(status: number, body: unknown): string {
  const sentences: string[] = [];
  const walk = (value: unknown, key = "") => {
    if (typeof value === "string") {
      if (key !== "code" && key !== "lesion") sentences.push(value);
    } else if (Array.isArray(value)) for (const item of value) walk(item, key);
    else if (typeof value === "object" && value !== null)
      for (const [name, item] of Object.entries(value)) walk(item, name);
  };
  walk(body);
  return sentences.join(" ") || `HTTP ${status}`;
}
