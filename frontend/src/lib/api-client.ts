/** The one way to the server: session cookie, CSRF header, errors in the server's own words. */

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    super(sentenceOf(status, body));
    this.name = "ApiError";
    this.status = status;
    this.body = body;
    this.code = isRecord(body) && typeof body.code === "string" ? body.code : "";
  }

  /** The refusals of a form: field name → what is wrong with it. Empty unless the server refused a form. */
  get fields(): Record<string, string> {
    if (this.status !== 400 || !isRecord(this.body)) return {};
    const found: Record<string, string> = {};
    for (const [field, problems] of Object.entries(this.body)) {
      if (field === "code") continue;
      found[field] = flatten(problems).join(" ");
    }
    return found;
  }
}

export interface RequestOptions {
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, with `contentType`. */
  body?: BodyInit;
  contentType?: string;
  headers?: Record<string, string>;
  query?: Record<string, string | number | boolean | null | undefined>;
  signal?: AbortSignal;
}

export interface Answer<T> {
  status: number;
  data: T;
  headers: Headers;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const ROOT = "/api/v1";

/** Send a request below /api/v1 and return data, status and headers; an ApiError for every refusal. */
export async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = {
    Accept: "application/json",
    // The language of the page, not of the browser: refusals are shown in the server's words.
    "Accept-Language": document.documentElement.lang || "en",
    ...options.headers,
  };
  if (method !== "GET") headers["X-CSRFToken"] = cookie("csrftoken");
  let body = options.body;
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.json);
  } else if (options.contentType) {
    headers["Content-Type"] = options.contentType;
  }
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (body !== undefined) init.body = body;
  if (options.signal) init.signal = options.signal;
  const response = await fetch(`${ROOT}${path}${queryString(options.query)}`, init);
  if (response.status === 401) {
    leave();
    throw new ApiError(401, await parsed(response));
  }
  if (response.ok || response.status === 304) {
    return { status: response.status, data: (await parsed(response)) as T, headers: response.headers };
  }
  throw new ApiError(response.status, await parsed(response));
}

const dataOf = async <T>(answer: Promise<Answer<T>>): Promise<T> => (await answer).data;

export const api = {
  get: <T>(path: string, options?: RequestOptions) => dataOf(request<T>("GET", path, options)),
  post: <T>(path: string, json: unknown = {}, options?: RequestOptions) =>
    dataOf(request<T>("POST", path, { ...options, json })),
  put: <T>(path: string, json: unknown, options?: RequestOptions) =>
    dataOf(request<T>("PUT", path, { ...options, json })),
  patch: <T>(path: string, json: unknown, options?: RequestOptions) =>
    dataOf(request<T>("PATCH", path, { ...options, json })),
  delete: <T = void>(path: string, options?: RequestOptions) => dataOf(request<T>("DELETE", path, options)),
};

/** Leave for the sign-in page and come back to this very address afterwards. */
export function signIn(): void {
  const here = window.location.pathname + window.location.search;
  window.location.assign(`/accounts/login/?next=${encodeURIComponent(here)}`);
}

let leave: () => void = signIn;

/** Act otherwise than by leaving for the sign-in page while a page holds unsent work; returns what ends that. */
export function onSignedOut(act: () => void): () => void {
  leave = act;
  return () => {
    if (leave === act) leave = signIn;
  };
}

export function cookie(name: string): string {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

/** `?a=1&b=x` of what is set; nothing for null, undefined and the empty string. */
export function queryString(query: RequestOptions["query"]): string {
  if (!query) return "";
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    pairs.set(name, String(value));
  }
  const text = pairs.toString();
  return text ? `?${text}` : "";
}

async function parsed(response: Response): Promise<unknown> {
  if (response.status === 204 || response.status === 304) return undefined;
  const type = response.headers.get("Content-Type") ?? "";
  if (type === "application/octet-stream") return response.arrayBuffer();
  if (type.includes("json")) return response.json();
  return response.text();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function flatten(problems: unknown): string[] {
  if (typeof problems === "string") return [problems];
  if (Array.isArray(problems)) return problems.flatMap(flatten);
  if (isRecord(problems)) return Object.values(problems).flatMap(flatten);
  return [];
}

function sentenceOf(status: number, body: unknown): string {
  if (isRecord(body)) {
    if (typeof body.detail === "string") return body.detail;
    const problems = Object.entries(body).flatMap(([field, value]) =>
      flatten(value).map((text) => (field === "non_field_errors" ? text : `${field}: ${text}`)),
    );
    if (problems.length) return problems.join(" ");
  }
  return `HTTP ${status}`;
}
