// @vitest-environment happy-dom
// A file is looked at, what is wrong stands at its place, and only what was agreed to is imported; the
// addresses that are told once are not lost by a click.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Imported, Preview } from "../../src/api/types.ts";
import {
  FakeServer,
  find,
  mounted,
  press,
  Refused,
  seen,
  settled,
  within,
  words,
} from "../page_on_its_own.ts";

const DIGEST = "d".repeat(64);
const LOOK = "POST /api/admin/import/preview";
const LOOKED = `${LOOK}?language=zh`;
const IMPORT = `POST /api/admin/import?digest=${DIGEST}&language=zh`;

type Counts = Preview["counts"];
const count = (made: number): Counts => [
  { thing: "school", new: made, changed: 0, same: 2 },
  { thing: "classroom", new: 0, changed: made, same: 0 },
  { thing: "device", new: made, changed: 0, same: 0 },
  { thing: "person", new: 0, changed: 0, same: 0 },
];
const preview = (more: Partial<Preview> = {}): Preview => ({
  digest: DIGEST,
  format: "CSV, GB18030",
  rows_read: 3,
  wrong: 0,
  counts: count(1),
  unused: ["电话"],
  rows: [
    {
      number: 2,
      cells: { school: "青山小学", kind: "乡村", classroom: "一班", device: "电脑" },
      steps: [
        { thing: "school", change: "new", before: {} },
        { thing: "classroom", change: "changed", before: { profile: "standard" } },
        { thing: "device", change: "same", before: {} },
      ],
      faults: [],
    },
  ],
  left_out: 0,
  right: null,
  ...more,
});
const imported = (more: Partial<Imported> = {}): Imported => ({
  counts: count(1),
  devices: [{ school: "青山小学", classroom: "一班", label: "电脑", address: "https://t/room#credential=s" }],
  people: [],
  keys_expire_at: 1_802_000_000,
  file: "\ufeff学校\r\n",
  reach: "others",
  other_origins: [],
  ...more,
});

let server: FakeServer;
let root: ShadowRoot;

async function choose(name = "county.csv", size = 10): Promise<void> {
  const input = find(root, "[data-testid=import-file]") as HTMLInputElement;
  const file = new File(["x"], name);
  Object.defineProperty(file, "size", { value: size });
  Object.defineProperty(input, "files", { value: [file], configurable: true });
  input.dispatchEvent(new Event("change"));
  await settled();
}

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await (await import("../../src/i18n/index.ts")).startLanguage();
  await import("../../src/pages/admin/import.ts");
});

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  server = new FakeServer({ [LOOK]: preview(), [IMPORT]: imported() });
  root = await mounted("tk-admin-import");
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("shows what a file would do, and imports it when that is agreed to", async () => {
  await choose();
  expect(server.calls).toEqual([LOOKED]);
  expect(words(find(root, "[data-testid=preview] h2"))).toBe("county.csv（CSV, GB18030）：3 行");
  expect(words(find(root, "table.counts tbody tr"))).toBe("学校 1 0 2");
  expect(words(root)).toContain("未使用的列：电话");
  const rows = within(root, "tk-import-rows");
  expect(words(find(rows, "tbody tr"))).toBe(
    "2 青山小学 · 乡村 一班 电脑 新增 学校 修改 教室 ：硬件配置（现为“standard”）",
  );
  expect(root.activeElement).toBe(find(root, "[data-testid=preview]"));
  expect(words(find(root, "[data-testid=confirm-import]"))).toContain("1 所学校");
  await press(root, "[data-testid=confirm-import]");
  expect(server.calls).toEqual([LOOKED, IMPORT]);
  const done = within(root, "tk-import-done");
  expect(words(find(done, "code"))).toBe("https://t/room#credential=s");
  expect(seen(root, "[data-testid=preview]")).toBeNull();
});

it("says by row and column what is wrong, and offers nothing to agree to", async () => {
  const fault = { column: "kind", message_zh: "没有这种类型。", message_en: "No such kind." } as const;
  const rows = [{ number: 7, cells: { school: "青山小学", kind: "郊区" }, steps: [], faults: [fault] }];
  server.answers[LOOK] = preview({ wrong: 1, rows });
  await choose();
  expect(words(find(root, "[data-testid=rows-wrong]"))).toContain("有 1 行不对");
  expect(seen(root, "[data-testid=confirm-import]")).toBeNull();
  const table = within(root, "tk-import-rows");
  expect(words(find(table, "[data-row='7'] td.wrong"))).toBe("青山小学 · 郊区");
  expect(words(find(table, "li.fault"))).toBe("学校类型：没有这种类型。");
});

it("says that there is nothing to do when all stands already", async () => {
  server.answers[LOOK] = preview({ counts: count(0), rows: [] });
  await choose();
  expect(words(root)).toContain("表中的内容都已存在");
  expect(seen(root, "[data-testid=confirm-import]")).toBeNull();
});

it("says what the server says of a file that is no table; a corrected one is looked at anew", async () => {
  server.answers[LOOK] = new Refused(422, "file-old-excel", "这是旧格式。");
  await choose("old.xls");
  expect(words(find(root, "[role=alert]"))).toBe("这是旧格式。");
  server.answers[LOOK] = preview();
  await choose("old.xls");
  expect(seen(root, "[role=alert]")).toBeNull();
  expect(seen(root, "[data-testid=preview]")).not.toBeNull();
});

it("does not send what is too large", async () => {
  await choose("all.xlsx", 5 * 2 ** 20 + 1);
  expect(server.calls).toEqual([]);
  expect(words(find(root, "[role=alert]"))).toContain("最大 5 MB");
});

it("looks again when something has changed meanwhile, and says so", async () => {
  await choose();
  server.answers[IMPORT] = new Refused(409, "plan-changed", "预览之后有变化。");
  await press(root, "[data-testid=confirm-import]");
  expect(server.calls).toEqual([LOOKED, IMPORT, LOOKED]);
  expect(words(find(root, "[role=alert]"))).toBe("预览之后有变化。");
  expect(seen(root, "[data-testid=confirm-import]")).not.toBeNull();
});

it("asks the same again when no answer came", async () => {
  await choose();
  server.away = true;
  await press(root, "[data-testid=confirm-import]");
  expect(words(find(root, "[role=alert]"))).toContain("再按一次");
  expect(words(root)).not.toContain("尚未写入任何内容"); // nobody here knows
  server.away = false;
  await press(root, "[data-testid=confirm-import]");
  expect(server.calls).toEqual([LOOKED, IMPORT, IMPORT]);
  expect(words(find(root, "tk-import-done", "code"))).toBe("https://t/room#credential=s");
  expect(seen(root, "[role=alert]")).toBeNull();
});

it("keeps addresses from being lost until they are downloaded", async () => {
  await choose();
  await press(root, "[data-testid=confirm-import]");
  const leave = (): boolean => dispatchEvent(new Event("beforeunload", { cancelable: true }));
  expect(leave()).toBe(false);
  const ask = vi.fn(() => false);
  vi.stubGlobal("confirm", ask);
  const link = document.createElement("a");
  document.body.append(link);
  expect(link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }))).toBe(false);
  expect(ask).toHaveBeenCalledOnce();
  const clicked = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  await press(root, "tk-import-done", "[data-testid=download]");
  expect(clicked).toHaveBeenCalledOnce();
  expect(words(find(root, "tk-import-done", "[role=status]"))).toBe("已下载");
  expect(leave()).toBe(true);
  await press(root, "[data-testid=another]");
  expect(seen(root, "[data-testid=import-file]")).not.toBeNull();
});

it("names what comes next, section and rows", async () => {
  await choose();
  await press(root, "[data-testid=confirm-import]");
  const done = within(root, "tk-import-done");
  const links = [...done.querySelectorAll("li a")].map((one) => one.getAttribute("href"));
  expect(links).toContain("/admin/classrooms?show=without-credential");
  expect(links).toContain("/admin/schools?show=without-teacher");
});

it("imports the right rows alone, and keeps the others to be saved with the reason", async () => {
  const own = "e".repeat(64);
  const right = { digest: own, rows: 2, left_out: 3, counts: count(1), file: "\ufeff学校,哪里不对\r\n" };
  server.answers[LOOK] = preview({ wrong: 2, right });
  server.answers[`POST /api/admin/import?digest=${own}&language=zh&right_rows=true`] = imported();
  const saved: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    saved.push(this.download);
  });
  await choose();
  expect(seen(root, "[data-testid=confirm-import]")).toBeNull();
  expect(words(find(root, "[data-testid=confirm-right]"))).toBe("只导入正确的 2 行，略去 3 行");
  await press(root, "[data-testid=wrong-rows]");
  await press(root, "[data-testid=confirm-right]");
  expect(seen(root, "tk-import-done")).not.toBeNull();
  expect(words(root)).toContain("略去了 3 行");
  await press(root, "[data-testid=wrong-rows]");
  expect(saved).toEqual(["county 略去的行.csv", "county 略去的行.csv"]);
  vi.restoreAllMocks();
});

it("offers no right rows where there are none", async () => {
  server.answers[LOOK] = preview({ wrong: 2 });
  await choose();
  expect(seen(root, "[data-testid=confirm-right]")).toBeNull();
});
