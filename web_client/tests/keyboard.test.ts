// @vitest-environment happy-dom
// The keyboard stays on the page when what had it goes away, and "?" lists the keys.

import { html, nothing, type TemplateResult } from "lit";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { define, TongkeElement } from "../src/components/element.ts";
import { askForKeys } from "../src/components/key_help.ts";
import { startLanguage } from "../src/i18n/index.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { keysOf } from "../src/keys.ts";
import { find, mounted, settled, words } from "./page_on_its_own.ts";

class Row extends TongkeElement {
  name = "";
  asking = false;
  override render(): TemplateResult {
    return this.asking
      ? html`<button id="yes">yes</button>`
      : html`<button id="ask">${this.name}</button>`;
  }
}

class Rows extends TongkeElement {
  names: readonly string[] = [];
  off = false;
  override render(): TemplateResult {
    return html`<button id="first">first</button>
      ${this.names.map((name) => html`<test-row id=${name} .name=${name}></test-row>`)}
      ${this.off ? nothing : html`<p><button id="last">last</button></p>`}`;
  }
}

/** What a test turns on them. */
interface Turned extends HTMLElement {
  asking: boolean;
  off: boolean;
  requestUpdate: () => void;
  updateComplete: Promise<boolean>;
}

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  define("test-row", Row);
  define("test-rows", Rows);
  await import("../src/components/key_help.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
});

function active(): string {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.id ?? "";
}

describe("the keyboard", () => {
  async function redrawn(root: ShadowRoot, changes: object): Promise<void> {
    const host = root.host as Turned;
    Object.assign(host, changes);
    host.requestUpdate();
    await settled();
  }

  it("is at the next control when its own is drawn no more", async () => {
    const root = await mounted("test-rows", { names: ["a"] });
    find(root, "#last").focus();
    await redrawn(root, { off: true });
    expect(active()).toBe("ask");
    expect(find(root, "test-row").shadowRoot?.activeElement).not.toBeNull();
  });

  it("is in its own row when the button there gives way to another", async () => {
    const root = await mounted("test-rows", { names: ["a", "b"] });
    const row = find(root, "#b") as Turned;
    find(root, "#b", "#ask").focus();
    row.asking = true;
    row.requestUpdate();
    await settled();
    expect(active()).toBe("yes");
    expect(root.activeElement).toBe(row);
  });

  it("stays where a component has put it", async () => {
    const root = await mounted("test-rows", { names: ["a"] });
    find(root, "#last").focus();
    const host = root.host as Turned;
    host.off = true;
    host.requestUpdate();
    await host.updateComplete;
    find(root, "#first").focus();
    await settled();
    expect(active()).toBe("first");
  });
});

describe("the keys", () => {
  const press = async (key: string, on: EventTarget = document.body): Promise<void> => {
    on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
    await settled();
  };
  const help = (page: Parameters<typeof keysOf>[0]): Promise<ShadowRoot> =>
    mounted("tk-key-help", { lines: keysOf(page, zh) });
  const dialog = (root: ShadowRoot): HTMLDialogElement => find(root, "dialog") as HTMLDialogElement;

  it.each([
    ["teach", `C ${zh.keys.chat}`],
    ["room", `${zh.keys.spaceBar} ${zh.keys.hand}`],
    ["today", `Esc ${zh.keys.escape}`],
    ["player", `${zh.keys.spaceBar} K ${zh.player.helpKeys.space}`],
  ] as const)("of %s are listed at a question mark, and go at the next one", async (page, line) => {
    const root = await help(page);
    expect(dialog(root).open).toBe(false);
    await press("?");
    expect(dialog(root).open).toBe(true);
    expect(words(root)).toContain(line);
    await press("?");
    expect(dialog(root).open).toBe(false);
  });

  it("are not listed while somebody writes", async () => {
    const root = await help("teach");
    const field = document.body.appendChild(document.createElement("input"));
    await press("?", field);
    expect(dialog(root).open).toBe(false);
  });

  it("are listed where a button asks for them", async () => {
    const root = await help("player");
    askForKeys();
    await settled();
    expect(dialog(root).open).toBe(true);
    askForKeys();
    await press("?", find(root, "button"));
    expect(dialog(root).open).toBe(false);
  });
});
