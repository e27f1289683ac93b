// @vitest-environment happy-dom
// The player, whole, against a played server: what it begins with, and what hands do with it.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Part, RecordedEvent, Recording } from "../src/api/types.ts";
import {
  FakeServer,
  find,
  later,
  mounted,
  press,
  Refused,
  seen,
  settled,
  within,
  words,
  write,
} from "./page_on_its_own.ts";

const part = (seat: string, source: Part["source"]): Part => ({
  part_id: `${seat}-${source}`,
  seat_id: seat,
  source,
  name: seat === "lead" ? "李老师" : "青山教室",
  school: "一小",
  file: `${seat}.mp4`,
  mime: "video/mp4",
  start_s: 0,
  duration_s: 600,
  has_video: true,
  has_audio: true,
  codecs: "",
  playlist: "",
  index_bytes: 0,
});

const event = (at: number, type: string, more: object = {}): RecordedEvent => ({
  at: 1000 + at,
  start_s: at,
  type,
  ...more,
});

const RECORDING: Recording = {
  id: "r1",
  lesson_id: "l1",
  title: "分数",
  subject: "数学",
  grade: "四",
  teacher: "李老师",
  teacher_id: "t",
  schools: ["一小"],
  started_at: 1_800_000_000,
  duration_s: 600,
  state: "ready",
  poster: null,
  strip: null,
  visibility: "lesson",
  parts: [part("lead", "teacher"), part("room", "students")],
  program: [],
  events: [event(300, "floor_given", { seat_id: "room", by: "lead" })],
  incomplete: "",
  interrupted: null,
  pauses: [],
  missing: [],
  may: [],
};

let player: ShadowRoot;

async function open(search = "", person = "u1"): Promise<void> {
  document.body.replaceChildren();
  history.replaceState(null, "", `/library/r1${search}`);
  player = await mounted("tk-player", { recordingId: "r1", person });
}

const large = (): string =>
  find(player, "tk-pictures", '[data-place="large"]', "tk-part").dataset.seat ?? "";
const time = (): string => words(find(player, "[data-testid=time]")).split(" / ")[0] ?? "";
const plays = (): boolean => words(find(player, "[data-testid=play]")) === "暂停";
const filled = (): boolean => player.host.hasAttribute("filled");
const pressed = (): string | null =>
  find(player, "tk-player-head", "[data-testid=as-seen]").getAttribute("aria-pressed");

async function at(seconds: number): Promise<void> {
  const seek = new CustomEvent<number>("seek", { detail: seconds });
  find(player, "tk-timeline").dispatchEvent(seek);
  await settled();
}

async function key(name: string): Promise<void> {
  dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  await settled();
}

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/player/player.ts");
});

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  vi.spyOn(HTMLMediaElement.prototype, "pause").mockReturnValue();
  vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockReturnValue(4);
  new FakeServer({ "GET /api/recordings/r1": RECORDING });
});

afterEach(() => {
  document.body.replaceChildren();
  history.replaceState(null, "", "/");
  localStorage.removeItem("tongke.watched");
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the lesson's program", () => {
  const program = {
    ...part("program", "teacher"),
    source: "program" as const,
    start_s: 100,
    duration_s: 300,
  };
  const seats = (): string[] =>
    [...within(player, "tk-pictures").querySelectorAll("tk-part")].map((one) => one.dataset.seat ?? "");

  it("is offered where one was made, and played alone where there is some of it", async () => {
    await open();
    expect(seen(player, "tk-player-head", "[data-testid=in-one]")).toBeNull();
    await key("p");
    expect(seats()).toEqual(["lead", "room"]); // there is none
    new FakeServer({ "GET /api/recordings/r1": { ...RECORDING, program: [program] } });
    await open();
    expect(seats()).toEqual(["lead", "room"]);
    await press(player, "tk-player-head", "[data-testid=in-one]");
    expect(seats()).toEqual(["lead", "room"]); // it begins later
    await at(150);
    expect(seats()).toEqual(["program"]); // and nobody is heard twice
    expect(large()).toBe("program");
    const plate = words(find(player, "tk-pictures", "tk-part", ".plate"));
    expect(plate).toBe("节目");
    expect(seen(player, "tk-player-head", "[data-testid=as-seen]")).toBeNull();
    await at(500);
    expect(seats()).toEqual(["lead", "room"]);
  });

  it("gives way to separate pictures by a key or a button", async () => {
    new FakeServer({ "GET /api/recordings/r1": { ...RECORDING, program: [program] } });
    await open("?t=150");
    await key("p");
    expect(seats()).toEqual(["program"]);
    expect(words(find(player, "[data-testid=said]"))).toBe("合成画面");
    await key("v");
    expect(seats()).toEqual(["lead", "room"]);
    await key("p");
    await press(player, "tk-player-head", "[data-testid=separate]");
    expect(seats()).toEqual(["lead", "room"]);
    expect(words(find(player, "[data-testid=said]"))).toBe("分开画面");
  });
});

describe("the large picture", () => {
  it("is the one the class saw, until the viewer chooses, and again when they ask for it", async () => {
    await open();
    expect(large()).toBe("lead");
    await at(301);
    expect(large()).toBe("room");
    expect(pressed()).toBe("true");
    await press(player, "tk-pictures", ".swap");
    expect(large()).toBe("lead");
    expect(pressed()).toBe("false");
    await at(302);
    expect(large()).toBe("lead");
    await press(player, "tk-player-head", "[data-testid=as-seen]");
    expect(large()).toBe("room");
    await key("v");
    expect(large()).toBe("lead");
    await key("c");
    expect([large(), pressed()]).toEqual(["room", "true"]);
  });

  it("is played and paused by a click, and fills the screen by two and by F", async () => {
    await open();
    const picture = '[data-place="large"] tk-part';
    await press(player, "tk-pictures", picture);
    expect(plays()).toBe(true);
    await press(player, "tk-pictures", picture);
    expect(plays()).toBe(false);
    find(player, "tk-pictures", picture).dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await settled();
    expect(filled()).toBe(true);
    expect(seen(player, "tk-pictures", ".swap")).toBeNull(); // the picture alone
    await key("Escape");
    expect(filled()).toBe(false);
    await key("f");
    expect(filled()).toBe(true);
    await key("?");
    expect(filled()).toBe(true); // the list of keys stands over it
  });
});

describe("hands that are not careful", () => {
  const click = async (detail: number, ...path: string[]): Promise<void> => {
    const place = find(player, "tk-pictures", ...path);
    place.dispatchEvent(new MouseEvent("click", { detail, bubbles: true, composed: true }));
    await settled();
  };
  const held = async (name: string, target: EventTarget = globalThis): Promise<void> => {
    for (const repeat of [false, true, true, true]) {
      target.dispatchEvent(
        new KeyboardEvent("keydown", { key: name, repeat, bubbles: true, composed: true }),
      );
    }
    await settled();
  };

  it("click a small picture twice: it is large, and fills the screen", async () => {
    await open();
    await click(1, ".swap");
    expect(large()).toBe("room");
    await click(2, ".swap"); // the teacher's, which has come under the pointer
    const small = find(player, "tk-pictures", ".view.small");
    small.dispatchEvent(new MouseEvent("dblclick"));
    await settled();
    expect([large(), filled()]).toEqual(["room", true]);
  });

  it("click one of a wall twice: the lesson neither begins nor stops by it", async () => {
    const wall = [event(0, "layout", { layout: "wall" })];
    new FakeServer({ "GET /api/recordings/r1": { ...RECORDING, events: wall } });
    await open();
    await click(1, '.view.member [data-swap="room-students"]');
    await click(2, '[data-place="large"] tk-part');
    expect([large(), plays()]).toEqual(["room", false]);
    await click(1, '[data-place="large"] tk-part');
    expect(plays()).toBe(true);
  });

  it("hold a key: what it does is done once, but for going on and back", async () => {
    await open();
    await held(" ");
    expect(plays()).toBe(true);
    await held("f");
    expect(filled()).toBe(true);
    await held("l");
    expect(time()).toBe("0:40");
  });

  it("leave the keyboard at the volume: only its arrows are taken", async () => {
    await open();
    const volume = find(player, "input[type=range]");
    await held("k", volume);
    expect(plays()).toBe(true);
    await held("ArrowRight", volume);
    expect(time()).toBe("0:00");
  });

  it("move the volume while the sound is off: it is heard", async () => {
    await open();
    await key("m");
    expect(find(player, "[aria-pressed].main, button[aria-pressed=true]")).toBeTruthy();
    await write(player, "input[type=range]", "0.5");
    const { volume } = find(player, "tk-pictures") as unknown as { volume: number };
    expect(volume).toBe(0.5);
  });

  it("ask for the whole screen and give it up before it is granted", async () => {
    await open();
    const left = vi.fn(() => Promise.resolve());
    const screen = { fullscreenElement: player.host, exitFullscreen: left };
    for (const [name, value] of Object.entries(screen)) {
      Object.defineProperty(document, name, { value, configurable: true });
    }
    document.dispatchEvent(new Event("fullscreenchange"));
    for (const name of Object.keys(screen)) Reflect.deleteProperty(document, name);
    expect(left).toHaveBeenCalledOnce();
  });
});

describe("a part that cannot be loaded", () => {
  const failedPart = (): string => words(seen(player, "tk-pictures", "tk-part", ".failed"));
  const video = (): HTMLVideoElement =>
    find(player, "tk-pictures", "tk-part", "video") as HTMLVideoElement;
  const fails = async (): Promise<void> => {
    video().dispatchEvent(new Event("error"));
    await settled();
  };

  it("is tried again, more and more seldom, and is there when it can be had", async () => {
    const ready = vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockReturnValue(0);
    const load = vi.spyOn(HTMLMediaElement.prototype, "load").mockReturnValue();
    await open();
    await later(1);
    await fails();
    expect(failedPart()).toContain("李老师");
    await later(1);
    expect(load).toHaveBeenCalledTimes(0);
    await later(1.5);
    expect(load).toHaveBeenCalledTimes(1);
    await fails();
    await later(3);
    expect(load).toHaveBeenCalledTimes(1);
    await later(1.5);
    expect(load).toHaveBeenCalledTimes(2);
    expect(failedPart()).toContain("李老师"); // until it plays
    ready.mockReturnValue(4);
    await later(1);
    expect(failedPart()).toBe("");
  });

  it("keeps nobody waiting while it is tried", async () => {
    vi.spyOn(HTMLMediaElement.prototype, "readyState", "get").mockImplementation(function (
      this: HTMLMediaElement,
    ) {
      return this === video() ? 0 : 4;
    });
    vi.spyOn(HTMLMediaElement.prototype, "load").mockReturnValue();
    await open();
    await later(1);
    await fails();
    await press(player, "[data-testid=play]");
    await later(5);
    expect(time()).toBe("0:05");
  });

  it("is told as deleted where the recording is, and comes back with it", async () => {
    const server = new FakeServer({ "GET /api/recordings/r1": RECORDING });
    await open();
    await later(1);
    server.answers["GET /api/recordings/r1"] = new Refused(404, "not-found", "没有找到这个课程录像。");
    await fails();
    expect(words(player)).toContain("没有找到这个课程录像。");
    server.answers["GET /api/recordings/r1"] = RECORDING;
    await press(player, "tk-state tk-button");
    expect(time()).toBe("0:00");
  });
});

describe("a recording that is being finished", () => {
  it("is waited for through a line that is away for a while", async () => {
    const server = new FakeServer({ "GET /api/recordings/r1": { ...RECORDING, state: "finishing" } });
    await open();
    const waits = words(player);
    server.away = true;
    await later(25);
    expect(words(player)).toBe(waits);
    server.away = false;
    server.answers["GET /api/recordings/r1"] = RECORDING;
    await later(15);
    expect(time()).toBe("0:00");
  });
});

describe("where it begins", () => {
  it.each([
    ["", "0:00"],
    ["?t=90", "1:30"],
    ["?t=1m5s", "1:05"],
    ["?t=9h", "10:00"],
    ["?t=1:05", "1:05"],
    ["?t=90.7", "1:30"],
    ["?t=x", "0:00"],
  ])("%s: %s", async (search, expected) => {
    await open(search);
    expect(time()).toBe(expected);
    expect(plays()).toBe(false);
  });

  it("is where this person stopped, and from the beginning on asking", async () => {
    await open();
    await at(200);
    await press(player, "[data-testid=play]");
    await press(player, "[data-testid=play]");
    await open();
    expect(time()).toBe("3:20");
    expect(words(find(player, ".resumed"))).toContain("上次看到 3:20。");
    await press(player, "[data-testid=from-start]");
    expect(time()).toBe("0:00");
    expect(seen(player, ".resumed")).toBeNull();
    await open("", "another");
    expect(time()).toBe("0:00");
    await open("?t=30");
    expect(time()).toBe("0:30"); // an address counts for more
  });

  it("is the beginning, for who has hardly begun, or has seen it", async () => {
    for (const place of [5, 590]) {
      await open();
      await at(place);
      await press(player, "[data-testid=play]");
      await press(player, "[data-testid=play]");
      await open();
      expect(time()).toBe("0:00");
    }
  });

  it("is kept while it plays, and not for who has only looked", async () => {
    await open();
    await at(200);
    await open();
    expect(time()).toBe("0:00");
    await at(200);
    await press(player, "[data-testid=play]");
    await later(6);
    const kept = JSON.parse(localStorage.getItem("tongke.watched") ?? "[]") as unknown[][];
    expect(kept[0]?.[2]).toBeGreaterThanOrEqual(204);
  });

  it("is kept of the last hundred", async () => {
    const { keepPlace, placeOf } = await import("../src/pages/player/watched.ts");
    for (let id = 0; id < 150; id++) keepPlace("u1", `r${id}`, 100, 600);
    expect(JSON.parse(localStorage.getItem("tongke.watched") ?? "[]")).toHaveLength(100);
    expect([placeOf("u1", "r49"), placeOf("u1", "r50")]).toEqual([null, 100]);
    localStorage.setItem("tongke.watched", '[["u1", "r1"], 5, null, ["u1", "r2", 70]]');
    expect([placeOf("u1", "r1"), placeOf("u1", "r2")]).toEqual([null, 70]);
  });
});

describe("above the pictures", () => {
  it("stand title, teacher and day", async () => {
    await open();
    const head = words(find(player, "tk-player-head", ".title"));
    expect(head).toContain("分数");
    expect(head).toContain("李老师 · 2027年1月15日");
  });

  it("nothing is incomplete of what its teacher switched off: the gap is told, from when to when", async () => {
    const gap = { start_s: 60, duration_s: 125, before_s: 0, code: "switched-off" };
    new FakeServer({ "GET /api/recordings/r1": { ...RECORDING, pauses: [gap] } });
    await open();
    expect(seen(player, "tk-player-head", "[data-testid=incomplete]")).toBeNull();
    const beside = words(find(player, "tk-player-details"));
    expect(beside).toContain("1:00 至 3:05 暂停了录制");
    expect(beside).not.toContain("未录制");
  });

  it("what is incomplete says so, also where nobody wrote down what is missing", async () => {
    new FakeServer({ "GET /api/recordings/r1": { ...RECORDING, incomplete: "x" } });
    await open();
    expect(seen(player, "tk-player-head", "[data-testid=incomplete]")).not.toBeNull();
    await press(player, "tk-player-details", "#tab-details");
    expect(words(find(player, "tk-player-details"))).toContain("有一部分录下的内容无法播放");
  });

  it("a link to this moment is copied, or stands there where that is not allowed", async () => {
    const copied: string[] = [];
    vi.stubGlobal("navigator", {
      clipboard: { writeText: (text: string) => Promise.resolve(copied.push(text)) },
    });
    await open();
    await at(95);
    await press(player, "tk-player-head", "[data-testid=copy-moment]");
    expect(copied).toEqual([`${location.origin}/library/r1?t=1m35s`]);
    expect(words(find(player, "tk-player-head", "[data-testid=copy-moment]"))).toBe("已复制");
    vi.stubGlobal("navigator", {});
    await press(player, "tk-player-head", "[data-testid=copy-moment]");
    const field = find(player, "tk-player-head", "input.link") as HTMLInputElement;
    expect(field.value).toBe(copied[0]);
  });
});

describe("the seek bar", () => {
  it("tells the time under the pointer", async () => {
    await open();
    const bar = find(player, "tk-timeline", "[data-testid=seek]");
    vi.spyOn(bar, "getBoundingClientRect").mockReturnValue(new DOMRect(100, 0, 600, 24));
    bar.dispatchEvent(new PointerEvent("pointermove", { clientX: 175 }));
    await settled();
    expect(words(find(player, "tk-timeline", "[data-testid=pointed]"))).toBe("1:15");
    expect(time()).toBe("0:00");
    bar.dispatchEvent(new PointerEvent("pointerleave"));
    await settled();
    expect(seen(player, "tk-timeline", "[data-testid=pointed]")).toBeNull();
  });
});

describe("parts that are far away", () => {
  const early = { ...part("room", "students"), part_id: "early", duration_s: 60 };
  const late = { ...part("room", "students"), part_id: "late", start_s: 500, duration_s: 100 };
  const loaded = (): string[] =>
    [...find(player, "tk-pictures").shadowRoot?.querySelectorAll("tk-part") ?? []]
      .filter((one) => one.shadowRoot?.querySelector("video")?.hasAttribute("src"))
      .map((one) => one.recorded.part_id);

  it("are neither loaded nor held, before their time nor after it", async () => {
    const parts = [part("lead", "teacher"), early, late];
    new FakeServer({ "GET /api/recordings/r1": { ...RECORDING, parts } });
    const load = vi.spyOn(HTMLMediaElement.prototype, "load").mockReturnValue();
    await open("?t=300");
    await later(1);
    expect(loaded()).toEqual(["lead-teacher"]);
    for (const [seconds, held] of [
      [70, ["lead-teacher", "early"]],
      [485, ["lead-teacher", "late"]],
      [10, ["lead-teacher", "early"]],
    ] as const) {
      await at(seconds);
      await later(1);
      expect(loaded()).toEqual(held);
    }
    expect(load).toHaveBeenCalledTimes(2);
  });
});
