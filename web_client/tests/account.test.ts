// @vitest-environment happy-dom
// One's own account: the menu under one's name, and another password.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { User } from "../src/api/types.ts";
import { startLanguage } from "../src/i18n/index.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { FakeServer, find, mounted, press, Refused, seen, words, write } from "./page_on_its_own.ts";

const user: User = {
  id: "li",
  username: "li.min",
  display_name: "李老师",
  role: "teacher",
  school_id: "a",
  has_password: true,
};
const field = (name: string): string => `[data-testid=field-${name}]`;
let server: FakeServer;

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/account.ts");
  await import("../src/components/person_menu.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer({ "POST /api/session/password": {} });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function filled(old: string, fresh: string, again: string): Promise<ShadowRoot> {
  const root = await mounted("tk-account", { user });
  await write(root, field("current_password"), old);
  await write(root, field("password"), fresh);
  await write(root, field("again"), again);
  await press(root, "[data-testid=save]");
  return root;
}

describe("another password", () => {
  it("is sent with the old one, and then stands nowhere", async () => {
    const root = await filled("the old one", "four words no link", "four words no link");
    expect(server.bodies).toEqual([
      { current_password: "the old one", password: "four words no link" },
    ]);
    expect(words(find(root, "[data-testid=changed]"))).toBe(zh.account.passwordChanged);
    const values = [...root.querySelectorAll<HTMLInputElement>("input[type=password]")];
    expect(values.map((input) => input.value)).toEqual(["", "", ""]);
  });

  it.each([
    ["", "four words no link", "four words no link", zh.app.required],
    ["the old one", "short", "short", zh.account.tooShort],
    ["the old one", "the old one", "the old one", zh.account.samePassword],
    ["the old one", "four words no link", "four words no", zh.account.notTheSame],
  ])("is not sent as %j, %j, %j", async (old, fresh, again, why) => {
    const root = await filled(old, fresh, again);
    expect(words(root)).toContain(why);
    expect(server.calls).toEqual([]);
  });

  it.each(["current_password", "password"])("is refused by its field: %s", async (name) => {
    const fields = { [name]: { zh: "不对。", en: "No." } };
    server.answers["POST /api/session/password"] = new Refused(422, "invalid", "不对。", fields);
    const root = await filled("the old one", "four words no link", "four words no link");
    expect(words(find(root, `#wrong-${name}`))).toBe("不对。");
    expect(seen(root, "[data-testid=changed]")).toBeNull();
  });
});

describe("the menu of who is signed in", () => {
  const open = (root: ShadowRoot): boolean => seen(root, ".menu") !== null;

  it("leads to the password, and signs out", async () => {
    const root = await mounted("tk-person-menu", { name: "李老师" });
    let out = 0;
    root.host.addEventListener("sign-out", () => (out += 1));
    await press(root, "[data-testid=person]");
    expect(find(root, "[data-testid=own-password]").getAttribute("href")).toBe("/account");
    await press(root, "[data-testid=sign-out]");
    expect(out).toBe(1);
  });

  it("closes on Escape, with the keyboard back at the name, and on a click elsewhere", async () => {
    const root = await mounted("tk-person-menu", { name: "李老师" });
    await press(root, "[data-testid=person]");
    find(root, "[data-testid=sign-out]").focus();
    const escape = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
    find(root, "[data-testid=sign-out]").dispatchEvent(escape);
    await vi.advanceTimersByTimeAsync(0);
    expect(open(root)).toBe(false);
    expect(root.activeElement).toBe(find(root, "[data-testid=person]"));
    await press(root, "[data-testid=person]");
    document.body.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    await vi.advanceTimersByTimeAsync(0);
    expect(open(root)).toBe(false);
  });
});
