// The teacher's page, whole, against a played server, and what its tests ask of it.

import { afterEach, beforeAll, beforeEach, vi } from "vitest";
import type { Lesson } from "../../src/api/types.ts";
import type { LessonSession } from "../../src/lesson/session.ts";
import type { SeatState, Source, SourceProfile, Welcome } from "../../src/protocol/messages.ts";
import { AskedDevices, type FakeTrack } from "../lesson/asked_devices.ts";
import { FakeSocket } from "../lesson/fake_socket.ts";
import { seat, welcome } from "../lesson/views.ts";
import { FakeServer, find, mounted, press, settled } from "../page_on_its_own.ts";
import { planned } from "../timetable.ts";

const NOW_S = 4990;
/** What every microphone gives (an amplitude). */
export const loudness = { now: 0 };
/** Where a window of this browser that is in the lesson leaves its key for the next one. */
export const WINDOW = "tongke.resume.l1";
export const START = ["tk-device-check", "[data-testid=device-start]"] as const;
export const button = (id: string): [string, string] => [
  "tk-control-bar",
  `[data-testid=${id}]`,
];
export const lock = ["tk-top-bar", "[data-testid=lock]"] as const;
export const all = (id: string): [string, string] => ["tk-all-rooms", `[data-testid=${id}]`];

/** What the page is played with; new for each test. */
export interface Played {
  media: AskedDevices;
  server: FakeServer;
}

export const page = (): Promise<ShadowRoot> => mounted("tk-teach", { lessonId: "l1" });

/** Let each test of a file have a page of its own, in Chinese, in virtual time. */
export function playsTeaching(): Played {
  const played = {} as Played;
  beforeAll(async () => {
    const { startLanguage } = await import("../../src/i18n/index.ts");
    localStorage.setItem("tongke.language", "zh-CN");
    await startLanguage();
    await import("../../src/pages/teach/teach.ts");
    await import("../../src/pages/teach/behind.ts"); // it comes by itself, no test says when
  });
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW_S * 1000 });
    FakeSocket.all = [];
    vi.stubGlobal("WebSocket", FakeSocket);
    vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => null });
    vi.stubGlobal("isSecureContext", true);
    loudness.now = 0;
    vi.stubGlobal("AudioContext", PlayedSound);
    vi.stubGlobal("AnalyserNode", PlayedAnalyser);
    vi.stubGlobal("Audio", class {
      play = (): Promise<void> => Promise.resolve();
      pause = (): void => undefined;
    });
    played.media = new AskedDevices();
    vi.stubGlobal("navigator", { mediaDevices: played.media });
    played.server = served();
  });
  afterEach(() => {
    document.body.replaceChildren();
    sessionStorage.clear();
    localStorage.removeItem(WINDOW);
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  return played;
}

class PlayedAnalyser {
  readonly fftSize = 2048;
  getFloatTimeDomainData = (samples: Float32Array): void => void samples.fill(loudness.now);
}

class PlayedSound {
  readonly state = "running";
  createMediaStreamSource = (): object => ({ connect: () => undefined });
  resume = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();
}

/** The server with one lesson. */
export function served(more: Partial<Lesson> = {}): FakeServer {
  return new FakeServer({
    "GET /api/lessons/l1": planned("l1", more),
    "GET /api/lessons/l1/readiness": [],
    "POST /api/lessons/l1/start": {},
    "POST /api/lessons/l1/token": { token: "t", expires_at: 1e9, lesson_id: "l1", seat_id: "lead" },
  });
}

export function opened(played: Played, more: Partial<Lesson> = {}): Promise<ShadowRoot> {
  played.server = served(more);
  return page();
}

/** In the lesson that is going on. */
export async function inside(played: Played, more: Partial<Welcome> = {}): Promise<ShadowRoot> {
  const root = await opened(played, { state: "live" });
  FakeSocket.last.letIn(welcome("lead", more));
  await settled();
  await press(root, ...START);
  FakeSocket.last.answer({ type: "done" }); // to its `enter`
  await settled();
  return root;
}

export const seats = (...rooms: SeatState[]): Partial<Welcome> => ({
  seats: [seat("lead"), ...rooms],
});

/** What a teacher's laptop is to send. */
export const profile = {
  receives: "pictures" as const,
  largest_shown: 0,
  name: "standard",
  sources: (["room", "teacher", "screen"] as const).map(
    (source) => ({ source, encodings: [], sound: null }) as unknown as SourceProfile,
  ),
};

export async function heard(message: object): Promise<void> {
  FakeSocket.last.say(message);
  await settled();
}

export function session(): LessonSession {
  const found = window.tongkeSession;
  if (!found) throw new Error("no session");
  return found;
}

export async function own(source: Source, track: FakeTrack | null): Promise<void> {
  const captured = track as unknown as MediaStreamTrack | null;
  session().store.dispatch({ type: "own", source, track: captured });
  await settled();
}

/** What is sent arrives. */
export async function linked(): Promise<void> {
  session().store.dispatch({ type: "link", direction: "up", phase: "connected" });
  await settled();
}

export async function key(name: string, on: EventTarget = window): Promise<void> {
  on.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, composed: true }));
  await settled();
}

export function card(root: ShadowRoot, id: string): ShadowRoot {
  const cards = [...root.querySelectorAll("tk-room-card")];
  const found = cards.find((one) => one.seat.seat_id === id)?.shadowRoot;
  if (!found) throw new Error(`no card of ${id}`);
  return found;
}

/** The tiles on the stage, largest place first: `place seat/source`. */
export function onStage(root: ShadowRoot): string[] {
  const tiles = [...(find(root, "tk-stage").shadowRoot?.querySelectorAll("tk-tile") ?? [])];
  return tiles.map(({ dataset }) => `${dataset.place} ${dataset.seat}/${dataset.source}`);
}

/** A device's own line in the menu: its choice, and what is wrong. */
export function device(root: ShadowRoot, place: string, use: string): ShadowRoot {
  const menu = find(root, place, "tk-device-menu").shadowRoot;
  const lines = [...(menu?.querySelectorAll("tk-device-select") ?? [])];
  const found = lines.find((one) => one.use === use)?.shadowRoot;
  if (!found) throw new Error(`no ${use} in the menu`);
  return found;
}
