// Calls to the server's HTTP interface (docs/http_api.md). Knows requests and refusals, no pages.

import { said } from "../i18n/index.ts";

const TIMEOUT_MS = 15_000;
// A file of some megabytes over a school's line, and the reading of it.
const FILE_TIMEOUT_MS = 90_000;
const FILE_TYPE = "application/octet-stream";

/** Told to the window when the server no longer knows who is signed in. */
export const SIGNED_OUT = "tongke-signed-out";

/** The server refused: a stable code and words for people in both languages. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly zh: string,
    readonly en: string,
    readonly fields: Readonly<Record<string, { zh: string; en: string }>>,
  ) {
    super(en);
  }

  /** What happened, in the person's language. */
  get words(): string {
    return said(this);
  }

  field(name: string): string {
    const words = this.fields[name];
    return words ? said(words) : "";
  }
}

/** The server could not be reached or did not answer in time. */
export class Unreachable extends Error {}

export interface CallOptions {
  readonly bearer?: string;
  readonly signal?: AbortSignal;
}

export function get<T>(path: string, options: CallOptions = {}): Promise<T> {
  return call<T>("GET", path, undefined, options);
}

/** Some rows of a list, and the address of those that come after (null: there are none). */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly next: string | null;
}

export async function getPage<T>(path: string): Promise<Page<T>> {
  const { body, link } = await answer("GET", path, undefined, {});
  return { rows: body as T[], next: /<([^>]*)>; rel="next"/.exec(link)?.[1] ?? null };
}

/** A whole list, page by page. */
export async function getAll<T>(path: string): Promise<T[]> {
  const rows: T[] = [];
  for (let next: string | null = path; next !== null; ) {
    const page: Page<T> = await getPage<T>(next);
    rows.push(...page.rows);
    next = page.next;
  }
  return rows;
}

export function post<T>(path: string, body: unknown = {}, options: CallOptions = {}): Promise<T> {
  return call<T>("POST", path, body, options);
}

/** Send a file as it is. */
export function postFile<T>(path: string, file: Blob): Promise<T> {
  return call<T>("POST", path, file, {});
}

export function patch<T>(path: string, body: unknown): Promise<T> {
  return call<T>("PATCH", path, body, {});
}

export function remove(path: string): Promise<void> {
  return call<undefined>("DELETE", path, undefined, {});
}

async function call<T>(
  method: string,
  path: string,
  body: unknown,
  options: CallOptions,
): Promise<T> {
  return (await answer(method, path, body, options)).body as T;
}

async function answer(
  method: string,
  path: string,
  body: unknown,
  options: CallOptions,
): Promise<{ readonly body: unknown; readonly link: string }> {
  const timeout = new AbortController();
  const file = body instanceof Blob;
  const timer = setTimeout(() => timeout.abort(), file ? FILE_TIMEOUT_MS : TIMEOUT_MS);
  options.signal?.addEventListener("abort", () => timeout.abort());
  try {
    const response = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": file ? FILE_TYPE : "application/json" }),
        ...(options.bearer ? { authorization: `Bearer ${options.bearer}` } : {}),
      },
      ...(body === undefined ? {} : { body: file ? body : JSON.stringify(body) }),
      signal: timeout.signal,
    });
    if (!response.ok) {
      const refused = await refusal(response);
      if (refused.code === "not-signed-in") dispatchEvent(new Event(SIGNED_OUT));
      throw refused;
    }
    return {
      body: response.status === 204 ? undefined : await response.json(),
      link: response.headers.get("link") ?? "",
    };
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new Unreachable(`${method} ${path}`);
  } finally {
    clearTimeout(timer);
  }
}

async function refusal(response: Response): Promise<ApiError> {
  let body: Record<string, unknown> = {};
  try {
    body = (await response.json()) as Record<string, unknown>;
  } catch {
    // a proxy's page instead of the server's words
  }
  if (response.status >= 502 && typeof body.code !== "string") {
    throw new Unreachable(String(response.status)); // a proxy says that the server is away
  }
  const text = (value: unknown, otherwise: string): string =>
    typeof value === "string" ? value : otherwise;
  return new ApiError(
    response.status,
    text(body.code, `http-${response.status}`),
    text(body.message_zh, `服务器拒绝了请求（${response.status}）。`),
    text(body.message_en, `The server refused the request (${response.status}).`),
    (body.fields as ApiError["fields"] | undefined) ?? {},
  );
}

/** Words for any failure of a call. */
export function wordsOf(error: unknown, unreachable: string): string {
  return error instanceof ApiError ? error.words : unreachable;
}
