// A page on its own: it stands in the document, and its server is played from a table. Time is
// virtual (`vi.useFakeTimers()` before).

import { vi } from "vitest";

export type Shown = HTMLElement & { updateComplete: Promise<boolean> };

/** A refusal as the server tells it: its status, its code, and words for people. */
export class Refused {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly zh: string,
    readonly fields: Record<string, { zh: string; en: string }> = {},
  ) {}

  get body(): object {
    const { code, zh, fields } = this;
    return { code, message_zh: zh, message_en: "in English", fields };
  }
}

/** Answers by method and path (with its query, or without); what is not in the table is refused.
 * Keeps what was asked. */
export class FakeServer {
  calls: string[] = [];
  bodies: unknown[] = [];
  /** The last that a call was made with. */
  bearer = "";
  /** Nobody answers. */
  away = false;

  constructor(readonly answers: Record<string, unknown>) {
    vi.stubGlobal("fetch", (path: string, options: RequestInit) => this.answer(path, options));
  }

  private answer(path: string, options: RequestInit): Promise<Response> {
    const call = `${options.method} ${path}`;
    this.calls.push(call);
    if (typeof options.body === "string") this.bodies.push(JSON.parse(options.body));
    this.bearer = new Headers(options.headers).get("authorization") ?? this.bearer;
    if (this.away) return Promise.reject(new TypeError("no route"));
    const [bare = ""] = call.split("?");
    const asked = call in this.answers ? call : bare;
    const known = asked in this.answers ? this.answers[asked] : new Refused(404, "not-in-table", call);
    const refused = known instanceof Refused;
    const body = JSON.stringify(refused ? known.body : known);
    return Promise.resolve(new Response(body, { status: refused ? known.status : 200 }));
  }
}

export async function mounted(tag: string, properties: object = {}): Promise<ShadowRoot> {
  const element = Object.assign(document.createElement(tag), properties) as Shown;
  document.body.append(element);
  await settled();
  if (!element.shadowRoot) throw new Error(`${tag} has no shadow root`);
  return element.shadowRoot;
}

/** All that is under way is done: answers are read, what they change is drawn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await vi.advanceTimersByTimeAsync(0);
}

export async function later(seconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  await settled();
}

/** The first that fits: each selector is looked for in the shadow root of what the one before found. */
export function seen(root: ParentNode, ...path: string[]): HTMLElement | null {
  let place: ParentNode | null = root;
  let found: HTMLElement | null = null;
  for (const selector of path) {
    found = place?.querySelector<HTMLElement>(selector) ?? null;
    place = found?.shadowRoot ?? found;
  }
  return found;
}

export function find(root: ParentNode, ...path: string[]): HTMLElement {
  const found = seen(root, ...path);
  if (!found) throw new Error(`there is no ${path.join(" > ")}`);
  return found;
}

/** Its shadow root: `find(…)` for what is asked of several times. */
export function within(root: ParentNode, ...path: string[]): ShadowRoot {
  const { shadowRoot } = find(root, ...path);
  if (!shadowRoot) throw new Error(`${path.join(" > ")} has no shadow root`);
  return shadowRoot;
}

export async function press(root: ParentNode, ...path: string[]): Promise<void> {
  find(root, ...path).click();
  await settled();
}

/** Write into a field, as a hand does. */
export async function write(root: ParentNode, field: string, text: string): Promise<void> {
  const input = find(root, field) as HTMLInputElement;
  input.value = text;
  input.dispatchEvent(new Event("input"));
  await settled();
}

export function isOff(button: HTMLElement): boolean {
  return (button as HTMLButtonElement).disabled;
}

/** The words that stand there, through all shadow roots, in one line; elements stand apart. */
export function words(place: Node | null): string {
  return place ? textOf(place).replace(/\s+/g, " ").trim() : "";
}

function textOf(place: Node): string {
  if (place.nodeType === Node.TEXT_NODE) return place.textContent ?? "";
  if (place.nodeName === "STYLE") return "";
  const shadow = place instanceof Element ? place.shadowRoot : null;
  const parts = [...(shadow ? [shadow] : []), ...place.childNodes];
  return place instanceof Element ? ` ${parts.map(textOf).join("")} ` : parts.map(textOf).join("");
}
