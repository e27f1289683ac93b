// @vitest-environment happy-dom
// Components in a light DOM: what people wrote stays text, and the hooks that tests use are there.

import { beforeAll, describe, expect, it } from "vitest";
import type { LessonSession } from "../src/lesson/session.ts";
import type { View } from "../src/lesson/state.ts";
import { apply, seat, viewOf } from "./lesson/views.ts";

const MARKUP = '<img src=x onerror="alert(1)"><b>bold</b>';

const session = {
  tiles: { set: () => undefined, delete: () => undefined },
  store: { dispatch: () => undefined },
} as unknown as LessonSession;

async function shown(tag: string, properties: object): Promise<ShadowRoot> {
  const element = Object.assign(document.createElement(tag), properties) as HTMLElement & {
    updateComplete: Promise<boolean>;
  };
  document.body.append(element);
  await element.updateComplete;
  if (!element.shadowRoot) throw new Error("no shadow root");
  return element.shadowRoot;
}

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  await startLanguage();
  await import("../src/components/chat.ts");
  await import("../src/pages/teach/room_card.ts");
  await import("../src/pages/room/room_lesson.ts");
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
    const root = await shown("tk-room-card", { view, session, seat: named });
    expect(root.querySelector("h3 img, h3 b")).toBeNull();
    expect(root.querySelector("h3")?.textContent).toBe(MARKUP);
  });
});

describe("what the lead can do with a room", () => {
  const actions = async (view: View): Promise<Map<string, boolean>> => {
    const root = await shown("tk-room-card", { view, session, seat: view.seats.get("r1") });
    const buttons = [...root.querySelectorAll<HTMLButtonElement>("button[data-testid]")];
    return new Map(buttons.map((button) => [button.dataset.testid ?? "", !button.disabled]));
  };

  it("everything while it is here", async () => {
    expect([...(await actions(viewOf("lead")))]).toEqual([
      ["give-floor-r1", true],
      ["spotlight-r1", true],
      ["mute-r1", true],
    ]);
  });

  it("nothing while the line is lost", async () => {
    const lost = apply(viewOf("lead"), { type: "lost" });
    expect([...(await actions(lost)).values()]).toEqual([false, false, false]);
  });

  it("no floor and no spotlight for a room that is not here", async () => {
    const absent = viewOf("lead", { seats: [seat("lead"), seat("r1", { present: false })] });
    expect([...(await actions(absent)).values()]).toEqual([false, false, true]);
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
