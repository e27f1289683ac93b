// @vitest-environment happy-dom
// The whole lesson as one file: asked for, made, saved once, given up.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { LessonFile, Recording } from "../src/api/types.ts";
import { startLanguage } from "../src/i18n/index.ts";
import { recordingWords } from "../src/i18n/recordings.ts";
import { zh } from "../src/i18n/zh/index.ts";
import { FakeServer, later, mounted, press, Refused, seen, words } from "./page_on_its_own.ts";

const FILE = "/api/recordings/r1/file";
const READY = "/media/lessons/r1?language=zh";
const recording = { id: "r1", title: "圆" } as Recording;
let server: FakeServer;
let saved: string[] = [];

const standing = (changes: Partial<LessonFile>): LessonFile => ({
  state: "none",
  share: 0,
  bytes: 0,
  address: null,
  message_zh: "",
  message_en: "",
  ...changes,
});

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/library/lesson_file.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
  saved = [];
  server = new FakeServer({
    [`GET ${FILE}`]: standing({}),
    [`POST ${FILE}`]: standing({ state: "waiting" }),
    [`DELETE ${FILE}`]: null,
  });
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    saved.push(this.getAttribute("href") ?? "");
  });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const open = (): Promise<ShadowRoot> => mounted("tk-lesson-file", { recording });

it("says what it is, and asks for nothing until it is wanted", async () => {
  const root = await open();
  expect(words(root)).toContain(recordingWords().files.wholeHint);
  expect(seen(root, "[data-testid=make-whole]")).not.toBeNull();
  await later(60);
  expect(server.calls).toEqual([`GET ${FILE}?language=zh`]);
});

it.each(["film", "export"] as const)("may be another kind of file: %s", async (kind) => {
  const words_ = { film: recordingWords().files.filmHint, export: recordingWords().files.exportHint }[kind];
  const ready = `/media/lessons/r1?language=zh&kind=${kind}`;
  server.answers[`POST ${FILE}`] = standing({ state: "ready", bytes: 4e6, address: ready });
  const root = await mounted("tk-lesson-file", { recording, kind });
  expect(words(root)).toContain(words_);
  await press(root, `[data-testid=make-${kind}]`);
  expect(seen(root, `[data-testid=save-${kind}]`)?.getAttribute("href")).toBe(ready);
  expect(server.calls).toEqual([`GET`, `POST`].map((how) => `${how} ${FILE}?language=zh&kind=${kind}`));
  expect(saved).toEqual([ready]);
});

it("tells how far it is, saves it once, and then asks no more", async () => {
  const root = await open();
  await press(root, "[data-testid=make-whole]");
  expect(words(root)).toContain(zh.library.wholeWaits);
  server.answers[`GET ${FILE}`] = standing({ state: "making", share: 0.378 });
  await later(2);
  expect(words(root)).toContain(zh.library.wholeIsMade("37%"));
  server.answers[`GET ${FILE}`] = standing({ state: "ready", bytes: 812e6, address: READY });
  await later(2);
  expect(seen(root, "[data-testid=save-whole]")?.getAttribute("href")).toBe(READY);
  expect(words(root)).toContain("812");
  const asked = server.calls.length;
  await later(60);
  expect([server.calls.length, saved]).toEqual([asked, [READY]]);
});

it("is asked for anew where nobody makes it any more: another title, a server that began anew", async () => {
  const root = await open();
  await press(root, "[data-testid=make-whole]");
  server.answers[`GET ${FILE}`] = standing({});
  const posts = (): number => server.calls.filter((call) => call.startsWith("POST")).length;
  await later(1.6);
  expect(posts()).toBe(1);
  await later(1.6);
  expect(posts()).toBe(2);
  server.answers[`GET ${FILE}`] = standing({ state: "ready", bytes: 1e6, address: READY });
  await later(2);
  expect(saved).toEqual([READY]);
});

it("says that a server which began anew has not made it, and may be asked again", async () => {
  server.answers[`GET ${FILE}`] = standing({ message_zh: "服务器重新启动" });
  const root = await open();
  expect(words(root)).toContain("服务器重新启动");
  await press(root, "[data-testid=make-whole]");
  expect(words(root)).not.toContain("服务器重新启动");
  await later(1.6); // and once more: who waits for it is not told, it is asked for again
  expect(words(root)).not.toContain("服务器重新启动");
  expect(server.calls.filter((call) => call.startsWith("POST"))).toHaveLength(1);
  await later(1.6);
  expect(server.calls.filter((call) => call.startsWith("POST"))).toHaveLength(2);
});

it("offers what stands there already, and saves nothing by itself", async () => {
  server.answers[`GET ${FILE}`] = standing({ state: "ready", bytes: 1e6, address: READY });
  const root = await open();
  expect(seen(root, "[data-testid=save-whole]")).not.toBeNull();
  expect(saved).toEqual([]);
});

it("is given up", async () => {
  const root = await open();
  await press(root, "[data-testid=make-whole]");
  await press(root, "[data-testid=stop-whole]");
  expect(server.calls).toContain(`DELETE ${FILE}?language=zh`);
  expect(seen(root, "[data-testid=make-whole]")).not.toBeNull();
  await later(60);
  expect(saved).toEqual([]);
});

it("says why there is none, and may be asked again", async () => {
  server.answers[`POST ${FILE}`] = new Refused(507, "no-room", "没有空间");
  const root = await open();
  await press(root, "[data-testid=make-whole]");
  expect(words(root)).toContain("没有空间");
  server.answers[`POST ${FILE}`] = standing({ state: "failed", message_zh: "没有生成成功" });
  await press(root, "[data-testid=make-whole]");
  expect(words(root)).toContain("没有生成成功");
  expect(seen(root, "[data-testid=make-whole]")).not.toBeNull();
});
