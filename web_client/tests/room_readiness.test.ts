// @vitest-environment happy-dom
// A room that waits looks at its own devices, says how they are, and lets them be chosen.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { LineProbe, Readiness, RoomAnswer, RoomProfile } from "../src/api/types.ts";
import type { SourceProfile } from "../src/protocol/messages.ts";
import { AskedDevices, FakeTrack } from "./lesson/asked_devices.ts";
import { FakeSocket } from "./lesson/fake_socket.ts";
import { FakeServer, find, later, mounted, press, Refused, seen, settled, words } from "./page_on_its_own.ts";
import { planned } from "./timetable.ts";

const TELL = "POST /api/room/readiness";
const room: SourceProfile = {
  source: "room",
  width: 0,
  height: 0,
  frame_rate: 0,
  codec: "opus",
  encodings: [],
  max_bitrate_bps: 0,
  sound: null,
  from_network: false,
};
const profile: RoomProfile = {
  checks_devices: true,
  sends: {
    name: "standard",
    sources: [room, { ...room, source: "students", codec: "H264" }],
    receives: "pictures",
    largest_shown: 0,
  },
};
const answer: RoomAnswer = {
  classroom: { id: "k1", name: "One", profile: "standard", school: "B" },
  lesson: null,
  next: null,
  poll_after_s: 1,
  removed: null,
  server_time: 1_800_000_000,
  token: null,
};

interface Level {
  readonly rmsDb: number;
  readonly peakDb: number;
}
const heard = vi.hoisted(() => ({ told: (level: Level): unknown => level }));
const shown = vi.hoisted(() => ({ brightness: 90, moves: true, count: 0 }));

vi.mock("../src/lesson/level.ts", async (original) => ({
  ...(await original<object>()),
  watchLevel: (_: unknown, told: typeof heard.told) => {
    heard.told = told;
    return () => undefined;
  },
}));
vi.mock("../src/lesson/picture_watch.ts", async (original) => ({
  ...(await original<object>()),
  PictureSampler: class {
    sample(): Uint8Array {
      if (shown.moves) shown.count += 1;
      return new Uint8Array(2304).fill(shown.brightness).fill(shown.count % 9, 0, 1);
    }
    close(): void {
      shown.count = 0;
    }
  },
}));

/** What a connection to the media core comes to, by what it may try. */
const network = { udp: true, tcp: true, tried: [] as string[] };

class PlayedPeer extends EventTarget {
  iceConnectionState = "new";
  createDataChannel = (): object => ({});
  createOffer = (): Promise<object> => Promise.resolve({ type: "offer", sdp: "" });
  setLocalDescription = (): Promise<void> => Promise.resolve();
  close = (): void => undefined;
  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    const candidates = sdp.split("\r\n").filter((one) => one.startsWith("a=candidate:"));
    network.tried.push(candidates.map((one) => one.split(" ")[2]).join("+"));
    const open = candidates.some((one) => network[one.split(" ")[2] as "udp" | "tcp"]);
    expect(sdp).toContain("a=ice-ufrag:probe");
    this.iceConnectionState = open ? "connected" : "failed";
    queueMicrotask(() => this.dispatchEvent(new Event("iceconnectionstatechange")));
    return Promise.resolve();
  }
}

const line: LineProbe = {
  ufrag: "probe",
  password: "p".repeat(24),
  udp: [{ host: "10.0.0.9", port: 7881 }],
  tcp: [{ host: "10.0.0.9", port: 7881 }],
  ice_servers: [],
};

let server: FakeServer;
let media: AskedDevices;

const told = (): Readiness | undefined => server.bodies.at(-1) as Readiness | undefined;
const tells = (): number => server.calls.filter((call) => call === TELL).length;

/** It waits, and was given its microphone and its camera. */
async function waiting(): Promise<{ root: ShadowRoot; camera: FakeTrack }> {
  const root = await mounted("tk-room");
  const camera = new FakeTrack();
  await media.last("audio").give(new FakeTrack());
  await media.last("video").give(camera);
  FakeSocket.last.open();
  await settled();
  return { root, camera };
}

beforeAll(async () => {
  const { startLanguage } = await import("../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../src/pages/room/room.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  FakeSocket.all = [];
  media = new AskedDevices();
  Object.assign(shown, { brightness: 90, moves: true, count: 0 });
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", { mediaDevices: media });
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => null });
  localStorage.setItem("tongke.room.credential", "tkr_one");
  Object.assign(network, { udp: true, tcp: true, tried: [] });
  vi.stubGlobal("RTCPeerConnection", PlayedPeer);
  server = new FakeServer({
    "GET /api/room": answer,
    "GET /api/room/profile": profile,
    "GET /api/room/line": line,
    [TELL]: null,
  });
});

afterEach(() => {
  document.body.replaceChildren();
  localStorage.removeItem("tongke.room.credential");
  sessionStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("says how camera, microphone and line are, on its screen and to the server", async () => {
  const { root } = await waiting();
  expect(told()).toMatchObject({ camera: "checking", sound: "checking", line: "checking" });
  await later(1);
  heard.told({ rmsDb: -50, peakDb: -40 });
  await later(3);
  expect(told()).toMatchObject({ camera: "ready", sound: "ready", line: "ready" });
  expect(words(find(root, "tk-readiness-signs"))).toBe("摄像头：正常 麦克风：正常 网络：良好");
  shown.brightness = 16;
  await later(5);
  expect(told()?.camera).toBe("black");
  expect(words(find(root, "tk-readiness-signs"))).toContain("摄像头：画面全黑");
  Object.assign(shown, { brightness: 90, moves: false });
  await later(12);
  expect(told()?.camera).toBe("frozen");
});

it("says it again every ten seconds, and at once what is new", async () => {
  await waiting();
  await later(1);
  heard.told({ rmsDb: -50, peakDb: -40 });
  await later(3);
  const before = tells();
  await later(9);
  expect(tells() - before).toBeLessThanOrEqual(1);
  await later(11);
  expect(tells() - before).toBe(2);
  for (let second = 0; second < 11; second++) {
    heard.told({ rmsDb: -100, peakDb: -100 });
    await later(1);
  }
  expect(told()?.sound).toBe("silent");
});

it("says that it is not allowed, and that no lesson would come through", async () => {
  const root = await mounted("tk-room");
  await media.last("audio").refuse("NotAllowedError");
  await media.last("video").refuse("NotFoundError");
  FakeSocket.last.die(1006);
  await later(2);
  expect(told()).toMatchObject({ camera: "missing", sound: "denied", line: "blocked" });
  const signs = words(find(root, "tk-readiness-signs"));
  expect(signs).toBe("摄像头：没有找到 麦克风：未获许可 网络：课堂连接不通");
});

it("says that a firewall lets no UDP through, and media would go by TCP", async () => {
  network.udp = false;
  const { root } = await waiting();
  await later(2);
  expect(network.tried).toEqual(["udp", "udp+tcp"]);
  expect(told()?.line).toBe("detour");
  const signs = find(root, "tk-readiness-signs");
  expect(words(signs)).toContain("网络：可以上课，画面可能稍慢（请管理员开放 UDP）");
  network.udp = true; // and somebody has opened it
  await later(61);
  FakeSocket.last.open();
  await later(2);
  expect(told()?.line).toBe("ready");
});

it("says that its pages come through and no picture would", async () => {
  Object.assign(network, { udp: false, tcp: false });
  await waiting();
  await later(2);
  expect(told()?.line).toBe("blocked");
});

it.each([
  ["has no connections at all", undefined],
  ["is not allowed any", function (): void { throw new DOMException("no", "NotAllowedError"); }],
])("says that no picture would come through where its browser %s", async (_, peer) => {
  vi.stubGlobal("RTCPeerConnection", peer);
  await waiting();
  await later(2);
  expect(told()?.line).toBe("blocked");
});

it("is still being checked where the server does not say what to try", async () => {
  server.answers["GET /api/room/line"] = new Refused(503, "media-away", "媒体程序正在重启。");
  await waiting();
  await later(2);
  expect(told()?.line).toBe("checking");
});

it("lets its devices be chosen while it waits", async () => {
  const { root } = await waiting();
  await press(root, "[data-testid=settings]");
  expect(seen(root, "dialog tk-device-menu", "tk-device-select", "select")).not.toBeNull();
  expect(words(find(root, "dialog tk-device-menu"))).toContain("Webcam"); // by its name
  expect(words(find(root, "dialog tk-device-menu"))).toContain("学生摄像头");
  expect(words(find(root, "dialog")).match(/测试扬声器/g)).toHaveLength(1);
});

it("gives its devices to the lesson when that begins, and looks again after it", async () => {
  const { camera } = await waiting();
  server.answers["GET /api/room"] = { ...answer, lesson: planned("l1", { state: "live" }), token: "t" };
  await later(1);
  expect(camera.enabled).toBe(false); // stopped
  const before = tells();
  await later(15);
  expect(tells()).toBe(before);
});

it("leaves its devices closed where the county wants it so", async () => {
  server.answers["GET /api/room/profile"] = { ...profile, checks_devices: false };
  const root = await mounted("tk-room");
  await later(5);
  expect(media.asked).toEqual([]);
  expect(tells()).toBe(0);
  expect(seen(root, "tk-readiness-signs")).toBeNull();
  expect(server.calls.filter((call) => call.endsWith("/profile"))).toHaveLength(1);
});
