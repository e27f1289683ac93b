// @vitest-environment happy-dom
// Who watches elsewhere: the address is asked for, pushes are begun, told and ended, in words.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Push } from "../../src/api/types.ts";
import { FakeServer, find, mounted, press, Refused, seen, settled, words, write } from "../page_on_its_own.ts";

const PUSHES = "/api/lessons/l1/pushes";
const push: Push = {
  push_id: "p1",
  target: "rtmp://live.example.cn:1935/app/…",
  standing: "waiting",
  since: 5,
  code: "refused",
  message_zh: "对方服务器拒绝连接。",
  message_en: "The server refuses the connection.",
  starts: 2,
};
let server: FakeServer;

beforeAll(async () => {
  const { startLanguage } = await import("../../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../../src/components/elsewhere.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer({ [`GET ${PUSHES}`]: [push] });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function opened(): Promise<ShadowRoot> {
  const root = await mounted("tk-elsewhere", { lessonId: "l1" });
  const details = find(root, "details") as HTMLDetailsElement;
  details.open = true;
  details.dispatchEvent(new Event("toggle"));
  await settled();
  return root;
}

describe("who watches elsewhere", () => {
  it("is asked for by nobody before it is opened", async () => {
    await mounted("tk-elsewhere", { lessonId: "l1" });
    expect(server.calls).toEqual([]);
  });

  it("is told how a push stands and why, without what is secret", async () => {
    const root = await opened();
    expect(words(seen(root, ".push"))).toContain("稍后重试");
    server.answers[`GET ${PUSHES}`] = [{ ...push, standing: "sending", message_zh: "" }];
    await vi.advanceTimersByTimeAsync(3000);
    await settled();
    expect(words(seen(root, ".push"))).toContain("推送中");
  });

  it("has an address that is asked for", async () => {
    server.answers["POST /api/lessons/l1/watch"] = { hls: "https://t/hls/K/index.m3u8", window_s: 60 };
    const root = await opened();
    await press(root, "[data-testid=watch]");
    expect(words(seen(root, "[data-testid=watch-address]"))).toBe("https://t/hls/K/index.m3u8");
  });

  it("comes into sight where its column scrolls: opened, and when it says what is wrong", async () => {
    const scrolled = vi.spyOn(Element.prototype, "scrollIntoView");
    const drawn: boolean[] = [];
    const root = await opened();
    expect(scrolled).toHaveBeenCalled();
    scrolled.mockClear();
    scrolled.mockImplementation(() => void drawn.push(root.querySelector("[role=alert]") !== null));
    server.answers[`POST ${PUSHES}`] = new Refused(403, "push-host-not-allowed", "不允许推流。");
    await write(root, "[name=address]", "rtmp://a.cn/b/KEY");
    await press(root, "[data-testid=push]");
    expect(drawn, "it stands there before it is scrolled to").toEqual([true]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(scrolled, "who has scrolled away is not called back").toHaveBeenCalledTimes(1);
    scrolled.mockRestore();
  });

  it("is pushed to what is typed, and the refusal of another is said", async () => {
    server.answers[`POST ${PUSHES}`] = new Refused(403, "push-host-not-allowed", "不允许推流。");
    const root = await opened();
    await write(root, "[name=address]", "rtmp://a.cn/b/KEY");
    await press(root, "[data-testid=push]");
    await vi.advanceTimersByTimeAsync(30_000);
    await settled();
    const said = words(seen(root, "[role=alert]"));
    expect(said, "also when it has been looked how all stands").toBe("不允许推流。");
    server.answers[`POST ${PUSHES}`] = push;
    await press(root, "[data-testid=push]");
    expect(root.querySelector("[role=alert]")).toBeNull();
    expect((find(root, "[name=address]") as HTMLInputElement).value).toBe("");
  });
});
