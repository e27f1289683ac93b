// @vitest-environment happy-dom
// By a one-time address: straight on, or first to a password of one's own.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { User } from "../src/api/types.ts";
import { FakeServer, find, mounted, press, Refused, seen, words, write } from "./page_on_its_own.ts";

const li: User = {
  id: "u1",
  username: "liwei",
  display_name: "李老师",
  role: "teacher",
  school_id: null,
  has_password: false,
};
const session = (user: User): object => ({ user, may: [], server_time: 0 });
const SET = "POST /api/session/password";

let server: FakeServer;

async function opened(fragment: string, user: User): Promise<ShadowRoot> {
  history.replaceState(null, "", `/key${fragment}`);
  server = new FakeServer({ "POST /api/session/key": session(user), [SET]: null });
  return mounted("tk-key");
}

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await (await import("../src/i18n/index.ts")).startLanguage();
  await import("../src/pages/key.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("lets who has no password choose one, and goes on", async () => {
  const root = await opened("#key=k", li);
  expect(location.href).not.toContain("#key");
  expect(words(find(root, "h1"))).toBe("李老师，您好");
  expect(words(root)).toContain("“liwei”");
  expect((root.activeElement as HTMLInputElement).name).toBe("password");
  await write(root, "[name=password]", "long enough");
  await write(root, "[name=again]", "long enougj");
  await press(root, "[data-testid=save]");
  expect(words(find(root, "#wrong-again"))).toBe("两次输入不同");
  await write(root, "[name=again]", "long enough");
  await press(root, "[data-testid=save]");
  expect(server.calls.at(-1)).toBe(SET);
  expect(server.bodies.at(-1)).toEqual({ password: "long enough" });
  expect(location.pathname).toBe("/");
});

it("says at its field what the server refuses", async () => {
  const root = await opened("#key=k", li);
  const weak = { password: { zh: "太容易被猜到。", en: "guessed" } };
  server.answers[SET] = new Refused(422, "weak", "请换一个。", weak);
  for (const name of ["password", "again"]) await write(root, `[name=${name}]`, "password1");
  await press(root, "[data-testid=save]");
  expect(words(find(root, "#wrong-password"))).toBe("太容易被猜到。");
  expect(location.pathname).toBe("/key");
});

it.each([
  ["has a password", "#key=k", { ...li, has_password: true }, "/"],
  ["is led somewhere", "#key=k&next=/teach/l1", li, "/teach/l1"],
])("leads on who %s", async (_, fragment, user, path) => {
  const root = await opened(fragment, user);
  expect(seen(root, "form")).toBeNull();
  expect(location.pathname).toBe(path);
});
