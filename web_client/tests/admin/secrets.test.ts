// @vitest-environment happy-dom
// A classroom's credentials and source keys: a new one is shown once, and who can use it is told.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Credential, NewCredential } from "../../src/api/types.ts";
import { zh } from "../../src/i18n/zh/index.ts";
import { fileName } from "../../src/pages/admin/room_files.ts";
import { FakeServer, find, mounted, press, Refused, seen, words, write } from "../page_on_its_own.ts";

const LIST = "GET /api/classrooms/k1/credentials";
const MAKE = "POST /api/classrooms/k1/credentials";
const KEYS = "/api/classrooms/k1/source_keys";
const NEW = "[data-testid=new-credential]";
const pc: Credential = { id: "d1", label: "PC", created_at: 1_799_000_000, last_used_at: null, copied_to: [] };
const fresh: NewCredential = {
  ...pc,
  id: "d2",
  label: "Tablet",
  secret: "tkr_secret",
  address: "https://tongke.example/room#credential=tkr_secret",
  reach: "others",
  other_origins: [],
};

let server: FakeServer;

const shown = (tag: string): Promise<ShadowRoot> => mounted(tag, { classroomId: "k1", name: "One" });
const text = (root: ShadowRoot, id: string): string => words(seen(root, `[data-testid=${id}]`));

beforeAll(async () => {
  const { startLanguage } = await import("../../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../../src/pages/admin/credentials.ts");
  await import("../../src/pages/admin/source_keys.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  server = new FakeServer({ [LIST]: [], [MAKE]: fresh, [`GET ${KEYS}`]: [] });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A new one is made, and stands there. */
async function made(more: Partial<NewCredential> = {}): Promise<ShadowRoot> {
  server.answers[MAKE] = { ...fresh, ...more };
  const root = await shown("tk-credentials");
  await write(root, "[name=label]", " Tablet ");
  server.answers[LIST] = [pc, { ...pc, id: "d2", label: "Tablet" }];
  await press(root, NEW);
  return root;
}

describe("a classroom's credentials", () => {
  it("say which of them is in use on two machines, and where", async () => {
    server.answers[LIST] = [pc, { ...pc, id: "d2", copied_to: ["10.1.0.0", "10.2.0.0"] }];
    const root = await shown("tk-credentials");
    expect(text(root, "copied-d2")).toContain("10.1.0.0 10.2.0.0");
    expect(root.querySelector("[data-testid=copied-d1]")).toBeNull();
  });

  it("say that there are none, and that a new one needs a name", async () => {
    const root = await shown("tk-credentials");
    expect(words(root)).toContain("这间教室还没有设备凭证。");
    await press(root, NEW);
    expect(words(find(root, "#wrong-label"))).toBe("请填写此项");
    expect(server.bodies).toEqual([]);
  });

  it("begin with the eight figures on the room's screen; an address to carry comes after", async () => {
    const root = await shown("tk-credentials");
    const [figures, address] = [find(root, "tk-pair-form"), find(root, NEW)];
    expect(figures.compareDocumentPosition(address)).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
    expect(words(root)).toContain("也可以新建一个凭证，在教室电脑上打开一次它的地址。");
  });

  it("show a new one's address once, with how the PC starts by itself", async () => {
    const root = await made();
    expect(server.bodies).toEqual([{ label: "Tablet" }]);
    expect(words(find(root, "[role=status]"))).toContain("此地址只显示这一次。");
    expect(text(root, "room-address")).toBe(fresh.address);
    expect(text(root, "kiosk-command")).toContain(`--kiosk`);
    expect(text(root, "kiosk-command")).toContain(`"${fresh.address}"`);
    expect(root.querySelectorAll("tbody tr")).toHaveLength(2);
    expect((find(root, "[name=label]") as HTMLInputElement).value).toBe("");
    document.body.replaceChildren();
    expect(words(await shown("tk-credentials"))).not.toContain("tkr_secret");
  });

  it("copy the whole address, and say so", async () => {
    const root = await made();
    const copied: string[] = [];
    const writeText = (one: string): Promise<void> => {
      copied.push(one);
      return Promise.resolve();
    };
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    await press(root, ".address button");
    expect(copied).toEqual([fresh.address]);
    expect(words(find(root, ".address button"))).toBe("已复制");
  });

  it.each([
    [{ reach: "others", other_origins: ["https://10.0.0.9"] }, zh.admin.reachOthers("https://10.0.0.9")],
    [{ reach: "this-machine" }, zh.admin.reachThisMachine],
    [{ reach: "unknown-name" }, zh.admin.reachUnknownName("localhost:3000", "")],
  ] as [Partial<NewCredential>, string][])("hand out no address without a word: %j", async (more, said) => {
    const root = await made(more);
    expect(text(root, `reach-${more.reach ?? ""}`)).toBe(said);
  });

  it("are revoked after a question, and the address goes with its own", async () => {
    const root = await made();
    server.answers["DELETE /api/credentials/d2"] = null;
    await press(root, "[data-id=d2] button");
    expect(words(find(root, "[data-id=d2]"))).toContain("确定撤销？该电脑将立即无法进入。");
    expect(server.calls.at(-1)).toBe(LIST);
    server.answers[LIST] = [pc];
    await press(root, "[data-id=d2] .alarm");
    expect(server.calls).toContain("DELETE /api/credentials/d2");
    expect(seen(root, "[data-testid=room-address]")).toBeNull();
    expect(words(find(root, "tbody"))).toContain("PC");
    expect(words(find(root, "tbody"))).toContain("尚未使用");
  });

  it("say what the server refuses", async () => {
    server.answers[LIST] = [pc];
    const root = await shown("tk-credentials");
    server.answers["DELETE /api/credentials/d1"] = new Refused(404, "no-such-credential", "已经没有了。");
    await press(root, "[data-id=d1] button");
    await press(root, "[data-id=d1] .alarm");
    expect(words(find(root, "[role=alert]"))).toBe("已经没有了。");
  });
});

describe("a classroom's file", () => {
  const FILE = "POST /api/classrooms/k1/room_files";

  it("is made for one PC, saved under the room's name, and told what to do with", async () => {
    const saved: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download);
    });
    server.answers[FILE] = { credential: { ...pc, id: "d3" }, text: "#!/bin/sh" };
    const root = await shown("tk-credentials");
    await press(root, "tk-room-files", "[data-testid=room-file-linux]");
    expect(server.bodies).toEqual([{ label: zh.roomFile.label.linux, system: "linux" }]);
    expect(saved).toEqual(["tongke-One.sh"]);
    expect(words(find(root, "tk-room-files", "[role=status]"))).toBe(zh.roomFile.steps.linux.join(" "));
    expect(server.calls.at(-1)).toBe(LIST); // its credential is in the list
  });

  it.each([
    ["3年级(1)班", "tongke-3年级-1-班.cmd"],
    ['../..\\"& del *', "tongke-del.cmd"],
    ["···", "tongke-room.cmd"],
  ])("of %s is called %s", (name, file) => {
    expect(fileName(name, "windows")).toBe(file);
  });
});

describe("a classroom's source keys", () => {
  const quiet = { way: "whip", sends: false, in_lesson: false, fault: null };

  it("show a new one once, as OBS and FFmpeg ask for it", async () => {
    const address = "https://tongke.example/whip";
    const key = { ...fresh, ...quiet, id: "s1", source: "board", secret: "tks_key", address };
    server.answers[`POST ${KEYS}`] = key;
    const root = await shown("tk-source-keys");
    expect(words(root)).toContain("这间教室还没有编码器密钥。");
    await write(root, "[name=label]", "OBS");
    server.answers[`GET ${KEYS}`] = [{ ...pc, ...quiet, id: "s1", label: "OBS", source: "board" }];
    await press(root, "[data-testid=new-source-key]");
    expect(server.bodies).toMatchObject([{ label: "OBS", source: "board", way: "whip" }]);
    expect(words(find(root, "[role=status]"))).toContain("此密钥只显示这一次。");
    expect(text(root, "whip-address")).toBe(address);
    expect(text(root, "whip-token")).toBe("tks_key");
    expect(text(root, "whip-ffmpeg")).toContain(`-authorization tks_key ${address}`);
    expect(words(find(root, "tbody tr"))).toContain("OBS 板书");
  });

  it.each([
    ["rtmp", "rtmp://t:1935/live", "rtmp://t:1935/live", "tks_key"],
    ["srt", "srt://t:7900", "srt://t:7900?mode=caller&pbkeylen=16&passphrase=words", "words"],
  ])("show a new one of %s as encoders ask for it", async (way, address, told, secret) => {
    server.answers[`POST ${KEYS}`] = { ...fresh, ...quiet, way, id: "s1", source: "board", secret, address };
    const root = await shown("tk-source-keys");
    await write(root, "[name=label]", "box");
    await press(root, "[data-testid=new-source-key]");
    expect(text(root, "push-address")).toBe(told);
    expect(text(root, "push-key")).toBe(secret);
  });

  it("show the encrypted way beside the open one, and what converting a picture costs", async () => {
    const address = "rtmp://t:1935/live";
    const secure = "rtmps://t:1936/live";
    const made = { ...fresh, ...quiet, way: "rtmp", id: "s1", source: "board", secret: "tks_key" };
    server.answers[`POST ${KEYS}`] = { ...made, address, secure_address: secure };
    const notice = { message_zh: "画面使用 B 帧，由服务器重新编码", message_en: "encoded again" };
    server.answers[`GET ${KEYS}`] = [{ ...pc, ...quiet, way: "rtmp", id: "s1", source: "board", notice }];
    const root = await shown("tk-source-keys");
    expect(text(root, "key-notice")).toBe(notice.message_zh);
    await write(root, "[name=label]", "box");
    await press(root, "[data-testid=new-source-key]");
    expect(text(root, "push-secure")).toBe(secure);
    expect(words(root)).toContain(zh.admin.keyRtmpOpen);
  });

  it("ask for a camera's address where the server is to ask the camera, and say what is wrong with it", async () => {
    const camera = { ...fresh, ...quiet, way: "rtsp", id: "s2", source: "board", secret: "", address: "" };
    server.answers[`POST ${KEYS}`] = camera;
    const fault = { message_zh: "摄像机拒绝了用户名或密码", message_en: "refused" };
    server.answers[`GET ${KEYS}`] = [{ ...pc, ...quiet, way: "rtsp", id: "s2", source: "board", fault }];
    const root = await shown("tk-source-keys");
    expect(words(find(root, "tbody tr"))).toContain(`${zh.admin.keyWaits} ${fault.message_zh}`);
    await write(root, "[name=label]", "camera");
    const way = find(root, "[name=way]") as HTMLSelectElement;
    way.value = "rtsp";
    way.dispatchEvent(new Event("change"));
    await press(root, "[data-testid=new-source-key]");
    expect(words(find(root, "#wrong-camera_url"))).toBe(zh.app.required);
    await write(root, "[name=camera_url]", "rtsp://10.0.0.8/main");
    await press(root, "[data-testid=new-source-key]");
    expect(server.bodies).toMatchObject([{ way: "rtsp", camera_url: "rtsp://10.0.0.8/main" }]);
    expect(words(find(root, "[role=status]"))).toContain(zh.admin.cameraAdded);
  });
});
