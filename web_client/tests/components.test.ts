// @vitest-environment happy-dom
// Components in a light DOM: what people wrote stays text, and the hooks that tests use are there.

import { beforeAll, describe, expect, it } from "vitest";
import type { LessonSession } from "../src/lesson/session.ts";
import type { View } from "../src/lesson/state.ts";
import { apply, lesson, seat, viewOf } from "./lesson/views.ts";

const MARKUP = '<img src=x onerror="alert(1)"><b>bold</b>';

const parts = {
  tiles: { set: () => undefined, delete: () => undefined },
  store: { dispatch: () => undefined },
};
const session = parts as unknown as LessonSession;

async function shown(tag: string, properties: object): Promise<ShadowRoot> {
  const element = Object.assign(document.createElement(tag), properties) as HTMLElement & {
    updateComplete: Promise<boolean>;
  };
  document.body.append(element);
  await element.updateComplete;
  if (!element.shadowRoot) throw new Error("no shadow root");
  return element.shadowRoot;
}

const tick = (): Promise<void> => new Promise((then) => setTimeout(then));

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  await startLanguage();
  await import("../src/components/chat.ts");
  await import("../src/pages/library/recording_card.ts");
  await import("../src/pages/player/details.ts");
  await import("../src/pages/teach/room_card.ts");
  await import("../src/pages/teach/others.ts");
  await import("../src/pages/teach/top_bar.ts");
  await import("../src/pages/room/room_lesson.ts");
});

describe("the bar above the lesson", () => {
  const badges = async (changes: object): Promise<string[]> => {
    const view = viewOf("lead", { lesson: { ...lesson(), ...changes } });
    const root = await shown("tk-top-bar", { view, session });
    return [...root.querySelectorAll(".badge")].map((badge) => badge.textContent.trim());
  };

  it("says whether it is recorded, and why not for the moment", async () => {
    const { en, zh } = { en: "the server's disk is full", zh: "服务器磁盘已满" };
    const said = await badges({ recording: false, recording_fault: "disk-full" });
    expect(said.some((words) => words.includes(en) || words.includes(zh))).toBe(true);
    const unknown = await badges({ recording: false, recording_fault: "of-tomorrow" });
    expect(unknown.some((words) => /paused|暂停/.test(words))).toBe(true);
    for (const running of [{ recording: true }, { recording: false }]) {
      const calm = await badges({ ...running, recording_fault: "" });
      expect(calm.some((words) => /paused|暂停/.test(words))).toBe(false);
    }
  });
});

describe("a question", () => {
  it("whether the lesson shall end gives the keyboard back to the button that asked", async () => {
    const view = viewOf("lead");
    const root = await shown("tk-top-bar", { view, session, now: 0, inside: true });
    const press = async (selector: string, key?: string): Promise<string | undefined> => {
      const button = root.querySelector<HTMLElement>(selector);
      if (key) button?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      else button?.click();
      await tick();
      return (root.activeElement as HTMLElement | null)?.dataset.testid;
    };
    const no = '[role="alertdialog"] button:last-child';
    for (const key of [undefined, "Escape"]) {
      expect(await press('[data-testid="end"]')).toBeUndefined(); // at "no", which has no name
      expect(root.activeElement?.matches(no)).toBe(true);
      expect(await press(no, key)).toBe("end");
    }
  });

  it("whether a device shall go leaves the keyboard where the devices are", async () => {
    const observer = seat("observer-1", { role: "observer" });
    const view = viewOf("lead", { seats: [seat("lead"), observer] });
    const removed: string[] = [];
    const asked = { ...parts, removeDevice: (id: string) => removed.push(id) };
    const root = await shown("tk-others", { view, session: asked });
    const event = new CustomEvent("remove-device", { detail: "device-observer-1" });
    root.querySelector("tk-seat-devices")?.dispatchEvent(event);
    await tick();
    expect(removed).toEqual(["device-observer-1"]);
    expect(root.activeElement).toBe(root.querySelector("summary"));
  });
});

describe("beside a recording", () => {
  const told = "A part of it could not be made";

  it.each([
    { may: [], chooses: false, why: false },
    { may: ["change"], chooses: true, why: false },
    { may: ["change", "see-faults"], chooses: true, why: true },
  ])("stands what the server says that $may may", async ({ may, chooses, why }) => {
    const none = { schools: [], pauses: [], missing: [], parts: [], events: [] };
    const recording = { ...none, visibility: "lesson", incomplete: told, started_at: 0, duration_s: 0 };
    const root = await shown("tk-player-details", { recording: { ...recording, may } });
    root.querySelector<HTMLElement>("#tab-details")?.click();
    await tick();
    expect(root.querySelector("select") !== null).toBe(chooses);
    expect(root.textContent.includes(told)).toBe(why);
  });
});

describe("a recording that goes on", () => {
  it.each([
    [null, ""],
    [{ code: "disk-full", over: false }, "Paused: the server's disk is full"],
    [{ code: "disk-full", over: true }, "Was interrupted: the server's disk is full"],
  ])("says in its card that it stands still, or stood: %o", async (interrupted, words) => {
    const lesson = { schools: [], started_at: 0, duration_s: 0, may: [] };
    const recording = { ...lesson, state: "recording", interrupted };
    const root = await shown("tk-recording-card", { recording });
    expect(root.querySelector("[data-testid=interrupted]")?.textContent.trim() ?? "").toBe(words);
  });
});

describe("what people write", () => {
  it("is text in the chat", async () => {
    const line = { seat_id: "r1", name: MARKUP, text: MARKUP, at: 1 };
    const view = apply(viewOf("lead"), {
      type: "server",
      now: 0,
      message: { type: "chat_posted", line },
    });
    const root = await shown("tk-chat", { view, session });
    expect(root.querySelector("ol img, ol b")).toBeNull();
    expect(root.querySelector("li p")?.textContent).toBe(MARKUP);
  });

  it("is text in a room's name", async () => {
    const named = seat("r1", { name: MARKUP, school: MARKUP });
    const view = viewOf("lead", { seats: [seat("lead"), named] });
    const root = await shown("tk-room-card", { view, session, seat: named, heard: true });
    expect(root.querySelector("h3 img, h3 b")).toBeNull();
    expect(root.querySelector("h3")?.textContent).toBe(MARKUP);
  });
});

describe("putting a device out", () => {
  const twoDevices = seat("r1", {
    devices: [
      { device_id: "d1", kind: "room_pc", bearer: MARKUP, connected: true, takes_program: false },
      { device_id: "d2", kind: "tablet", bearer: "Mr Wang", connected: false, takes_program: false },
    ],
  });

  const opened = async (more: object = {}): Promise<[ShadowRoot, string[]]> => {
    const asked: string[] = [];
    const lead = {
      ...parts,
      removeDevice: (id: string) => asked.push(`out ${id}`),
      readmit: (id: string) => asked.push(`in ${id}`),
    };
    const view = viewOf("lead", { seats: [seat("lead"), twoDevices], ...more });
    const root = await shown("tk-room-card", { view, session: lead, seat: twoDevices, heard: true });
    root.querySelector<HTMLButtonElement>('[data-testid="devices-r1"]')?.click();
    await tick();
    return [root.querySelector("tk-seat-devices")?.shadowRoot ?? root, asked];
  };

  it("names whose each device is, as text, and asks before", async () => {
    const [devices, asked] = await opened();
    const rows = [...devices.querySelectorAll("li .who")].map((row) =>
      row.textContent.replace(/\s+/g, " ").trim(),
    );
    expect(rows).toEqual([`${MARKUP} room PC`, "Mr Wang tablet line lost"]);
    expect(devices.querySelector(".who img, .who b")).toBeNull();
    devices.querySelector<HTMLButtonElement>('[data-testid="remove-d2"]')?.click();
    await tick();
    expect(asked).toEqual([]);
    devices.querySelector<HTMLButtonElement>('[data-testid="remove-yes-d2"]')?.click();
    expect(asked).toEqual(["out d2"]);
  });

  it("tells who was put out, and lets in again", async () => {
    const removed = [
      { seat_id: "r1", bearer: "PC" },
      { seat_id: "observer-1", bearer: "Mr Zhao" },
    ];
    const asked: string[] = [];
    const lead = { ...parts, readmit: (id: string) => asked.push(id) };
    const view = viewOf("lead", { lesson: lesson({ removed }) });
    const card = await shown("tk-room-card", { view, session: lead, seat: seat("r1"), heard: true });
    card.querySelector<HTMLButtonElement>('[data-testid="readmit-r1"]')?.click();
    const others = await shown("tk-others", { view, session: lead });
    expect(others.querySelector("summary")?.textContent).toBe("1 put out");
    others.querySelector<HTMLButtonElement>('[data-testid="readmit-observer-1"]')?.click();
    expect(asked).toEqual(["r1", "observer-1"]);
  });

  it("knows the observers and the other devices of the lead's seat", async () => {
    const pc = { device_id: "pc", kind: "room_pc", bearer: "Wall", connected: true, takes_program: false } as const;
    const observer = seat("observer-1", { role: "observer", name: "Mr Zhao" });
    const lead = seat("lead", { devices: [...seat("lead").devices, pc] });
    const view = viewOf("lead", { seats: [lead, seat("r1"), observer] });
    const root = await shown("tk-others", { view, session });
    expect(root.querySelector("summary")?.textContent).toBe("2 others here");
    const lists = [...root.querySelectorAll("tk-seat-devices")];
    const buttons = lists.flatMap((list) => [
      ...(list.shadowRoot?.querySelectorAll<HTMLElement>("button") ?? []),
    ]);
    expect(buttons.map((button) => button.dataset.testid)).toEqual([
      "remove-pc",
      "remove-device-observer-1",
    ]);
  });
});

describe("what the lead can do with a room", () => {
  const actions = async (view: View): Promise<Map<string, boolean>> => {
    const root = await shown("tk-room-card", { view, session, seat: view.seats.get("r1"), heard: true });
    const buttons = [...root.querySelectorAll<HTMLButtonElement>("button[data-testid]")];
    return new Map(buttons.map((button) => [button.dataset.testid ?? "", !button.disabled]));
  };

  it("everything while it is here", async () => {
    expect([...(await actions(viewOf("lead")))]).toEqual([
      ["give-floor-r1", true],
      ["spotlight-r1", true],
      ["mute-r1", true],
      ["devices-r1", true],
    ]);
  });

  it("nothing while the line is lost", async () => {
    const lost = apply(viewOf("lead"), { type: "lost" });
    expect([...(await actions(lost)).values()]).toEqual([false, false, false, true]);
  });

  it("no floor and no spotlight for a room that is not here", async () => {
    const absent = viewOf("lead", { seats: [seat("lead"), seat("r1", { present: false })] });
    expect([...(await actions(absent)).values()]).toEqual([false, false, true, true]);
  });
});

describe("the bar above the lesson", () => {
  it("tells when the lesson ends by itself, once that is near", async () => {
    const { timeOfDay } = await import("../src/i18n/format.ts");
    const { en } = await import("../src/i18n/en/index.ts");
    const bar = async (endsAt: number | null): Promise<string> => {
      const view = viewOf("lead", { lesson: lesson({ ends_at: endsAt }) });
      return (await shown("tk-top-bar", { view, session, now: 0 })).textContent;
    };
    const words = en.lesson.endsAt(timeOfDay(7200));
    expect(await bar(null)).not.toContain(words);
    expect(await bar(7200)).toContain(words);
  });
});

describe("a room's screen", () => {
  it("names each picture's seat and source, and has its one button", async () => {
    const root = await shown("tk-room-lesson", { view: viewOf("r1"), session });
    const strip = [...root.querySelectorAll<HTMLElement>(".strip tk-tile")];
    expect(strip.map((tile) => `${tile.dataset.seat}/${tile.dataset.source}`)).toEqual([
      "r2/students",
      "r3/students",
      "r1/students",
    ]);
    expect(root.querySelector("[data-testid=raise-hand]")).not.toBeNull();
  });
});
