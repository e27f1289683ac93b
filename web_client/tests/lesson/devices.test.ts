// Own devices against a fake browser: chosen, remembered, exchanged, blocked and allowed again.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deviceName, namedDevices, trackName } from "../../src/lesson/device_names.ts";
import { Devices } from "../../src/lesson/devices.ts";
import { NO_DEVICE } from "../../src/lesson/remembered_devices.ts";
import type { DeviceChoices } from "../../src/lesson/state.ts";
import type { Source, SourceProfile } from "../../src/protocol/messages.ts";

const MICROPHONE = {
  source: "room",
  width: 0,
  height: 0,
  frame_rate: 0,
  codec: "opus",
  encodings: [],
  max_bitrate_bps: 0,
  sound: null,
  from_network: false,
} as SourceProfile;
const CAMERA = { ...MICROPHONE, source: "teacher", codec: "H264" } as SourceProfile;

class FakeTrack extends EventTarget {
  readyState = "live";
  constructor(
    readonly label: string,
    private readonly deviceId: string,
  ) {
    super();
  }
  getSettings(): MediaTrackSettings {
    return { deviceId: this.deviceId };
  }
  stop(): void {
    this.readyState = "ended";
  }
  unplugged(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
}

type Kind = MediaDeviceKind;

/** A browser: what is plugged in, what is allowed, what was opened. */
class FakeMedia extends EventTarget {
  plugged: { kind: Kind; id: string; label: string }[] = [];
  /** Ids and labels are told, as after a permission. */
  allowed = true;
  /** A permission alone does not bring them. */
  tellsLate = false;
  blocked = false;
  /** Devices that another program holds. */
  readonly held = new Set<string>();
  readonly opened: FakeTrack[] = [];
  /** Openings wait for it. */
  hold: Promise<void> | null = null;

  plug(kind: Kind, ...names: string[]): void {
    this.plugged.push(...names.map((name) => ({ kind, id: `id of ${name}`, label: name })));
    this.dispatchEvent(new Event("devicechange"));
  }

  unplug(name: string): void {
    this.plugged = this.plugged.filter((one) => one.label !== name);
    for (const track of this.opened) {
      if (track.label === name && track.readyState === "live") track.unplugged();
    }
    this.dispatchEvent(new Event("devicechange"));
  }

  enumerateDevices(): Promise<{ kind: Kind; deviceId: string; label: string }[]> {
    return Promise.resolve(
      this.plugged.map(({ kind, id, label }) => ({
        kind,
        deviceId: this.allowed ? id : "",
        label: this.allowed ? label : "",
      })),
    );
  }

  async getUserMedia({ audio, video }: MediaStreamConstraints): Promise<{ getTracks(): FakeTrack[] }> {
    const asked = (audio ?? video) as MediaTrackConstraints;
    const kind = audio ? "audioinput" : "videoinput";
    const wanted = (asked.deviceId as { exact: string } | undefined)?.exact;
    await this.hold;
    if (this.blocked) throw new DOMException("blocked", "NotAllowedError");
    if (!this.tellsLate) this.allowed = true;
    const device = this.plugged.find((one) => one.kind === kind && (!wanted || one.id === wanted));
    if (!device) throw new DOMException("none", "NotFoundError");
    if (this.held.has(device.label)) throw new DOMException("held", "NotReadableError");
    const track = new FakeTrack(device.label, device.id);
    this.opened.push(track);
    return { getTracks: () => [track] };
  }
}

let media: FakeMedia;
let permission: { state: string; onchange: (() => void) | null };
let phases: Record<string, string>;
let sent: Map<Source, string>;
let choices: DeviceChoices;
let fallbacks: string[];
let all: Devices[];

function devices({ takesAll = false } = {}): Devices {
  const made = new Devices(
    {
      track: (source, track) => {
        if (track) sent.set(source, track.label);
        else sent.delete(source);
      },
      phase: (device, phase) => (phases[device] = phase),
      fellBack: (source, from, to) => fallbacks.push(`${source}: ${from} → ${to}`),
      changed: (now) => (choices = now),
    },
    takesAll,
  );
  all.push(made);
  return made;
}

const live = (): string[] =>
  media.opened.filter((one) => one.readyState === "live").map((one) => one.label);

describe("a device's name", () => {
  it.each([
    ["C920 (046d:082d)", "C920"],
    ["Built-in Audio", "Built-in Audio"],
    ["Desk (left)", "Desk (left)"],
  ])("%s is %s", (label, name) => {
    expect(deviceName(label)).toBe(name);
  });

  it("is the device's where the system chose it, and stands once in the list", () => {
    const list = (deviceId: string, label: string): MediaDeviceInfo =>
      ({ deviceId, label }) as MediaDeviceInfo;
    const found = [
      list("default", "默认 - C920 (046d:082d)"),
      list("communications", "通信 - C920 (046d:082d)"),
      list("a1", "C920 (046d:082d)"),
      list("b2", ""),
    ];
    expect(namedDevices(found)).toEqual([["a1", "C920"]]);
    const by = (deviceId: string, label: string): MediaStreamTrack =>
      ({ label, getSettings: () => ({ deviceId }) }) as unknown as MediaStreamTrack;
    expect(trackName(by("default", "默认 - C920 (046d:082d)"))).toBe("C920");
    expect(trackName(by("a1", "Mixer - Left"))).toBe("Mixer - Left");
  });
});

beforeEach(() => {
  vi.useFakeTimers();
  media = new FakeMedia();
  permission = { state: "denied", onchange: null };
  phases = {};
  sent = new Map();
  fallbacks = [];
  all = [];
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
  });
  vi.stubGlobal("navigator", {
    mediaDevices: media,
    permissions: { query: () => Promise.resolve(permission) },
  });
  media.plug("audioinput", "Built-in", "Desk");
  media.plug("videoinput", "Webcam");
  media.plug("audiooutput", "Built-in speaker", "Ceiling");
});

afterEach(() => {
  for (const one of all) one.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1000);

describe("a microphone", () => {
  it("is exchanged, remembered, and the old one let go", async () => {
    const own = devices();
    await own.capture([MICROPHONE]);
    expect(sent.get("room")).toBe("Built-in");
    await own.choose("room", "id of Desk");
    expect([sent.get("room"), live(), phases.microphone]).toEqual(["Desk", ["Desk"], "on"]);
    own.close();
    expect(live()).toEqual([]);
    const later = devices();
    await later.capture([MICROPHONE]);
    expect(sent.get("room")).toBe("Desk");
  });

  it("is known by its name when the browser has given new ids", async () => {
    const own = devices();
    await own.capture([MICROPHONE]);
    await own.choose("room", "id of Desk");
    own.close();
    media.plugged = media.plugged.map((one) => ({ ...one, id: `new ${one.id}` }));
    const later = devices();
    await later.capture([MICROPHONE]);
    expect([sent.get("room"), later.chosen("room")]).toEqual(["Desk", "new id of Desk"]);
  });

  it("is the remembered one although ids are told only once it is allowed", async () => {
    const own = devices();
    await own.choose("room", "id of Desk");
    await own.capture([MICROPHONE]);
    await own.choose("room", "id of Desk");
    own.close();
    media.allowed = false;
    const later = devices();
    await later.capture([MICROPHONE]);
    await settled();
    expect([sent.get("room"), live()]).toEqual(["Desk", ["Desk"]]);
  });

  it("is the remembered one although ids are told only some time after it was allowed", async () => {
    const own = devices();
    await own.capture([MICROPHONE]);
    await own.choose("room", "id of Desk");
    own.close();
    media.tellsLate = true;
    media.allowed = false;
    const later = devices();
    await later.capture([MICROPHONE]);
    expect(sent.get("room")).toBe("Built-in");
    media.allowed = true; // and no event says so
    await vi.advanceTimersByTimeAsync(6000);
    expect([sent.get("room"), live()]).toEqual(["Desk", ["Desk"]]);
  });

  it("is another one while the chosen one is unplugged, and the chosen one again", async () => {
    const own = devices();
    await own.capture([MICROPHONE]);
    await own.choose("room", "id of Desk");
    media.unplug("Desk");
    await settled();
    expect([sent.get("room"), own.absent("room")]).toEqual(["Built-in", "Desk"]);
    media.plug("audioinput", "Desk");
    await settled();
    expect([sent.get("room"), own.absent("room"), live()]).toEqual(["Desk", "", ["Desk"]]);
  });

  it("is told by which one it goes on when it vanishes, until it is back or another is chosen", async () => {
    const made = devices();
    await made.capture([MICROPHONE]);
    await made.choose("room", "id of Desk");
    fallbacks = [];
    media.unplug("Desk");
    await vi.advanceTimersByTimeAsync(500);
    expect([phases.microphone, sent.get("room")]).toEqual(["on", "Built-in"]);
    expect(fallbacks).toEqual(["room: Desk → Built-in"]);
    media.plug("audioinput", "Desk");
    await vi.advanceTimersByTimeAsync(500);
    expect(sent.get("room")).toBe("Desk");
    expect(fallbacks.at(-1)).toBe("room:  → null");
  });

  it("goes on while the chosen one is back but held by another program", async () => {
    const own = devices();
    await own.capture([MICROPHONE]);
    await own.choose("room", "id of Desk");
    media.unplug("Desk");
    await settled();
    media.held.add("Desk");
    media.plug("audioinput", "Desk");
    await settled();
    expect([sent.get("room"), phases.microphone]).toEqual(["Built-in", "on"]);
    media.held.clear();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([sent.get("room"), live()]).toEqual(["Desk", ["Desk"]]);
  });

  it("is the one chosen last, however late the first one opens", async () => {
    const own = devices();
    await own.look();
    let go = (): void => undefined;
    media.hold = new Promise((resolve) => (go = resolve));
    const first = own.capture([MICROPHONE]);
    await settled();
    media.hold = null;
    await own.choose("room", "id of Desk");
    go();
    await first;
    expect([sent.get("room"), live()]).toEqual(["Desk", ["Desk"]]);
  });

  it("may be none, and one again", async () => {
    const own = devices();
    await own.capture([MICROPHONE]);
    await own.choose("room", NO_DEVICE);
    expect([sent.has("room"), live(), phases.microphone]).toEqual([false, [], "off"]);
    await own.choose("room", "");
    expect(sent.get("room")).toBe("Built-in");
  });

  it("is let go when it is no longer to be captured, and opened when it is again", async () => {
    const own = devices();
    await own.capture([MICROPHONE, CAMERA]);
    await own.capture([CAMERA]);
    await own.look();
    expect([live(), sent.has("room"), phases.microphone]).toEqual([["Webcam"], false, "off"]);
    await own.capture([MICROPHONE, CAMERA]);
    expect([sent.get("room"), phases.microphone]).toEqual(["Built-in", "on"]);
  });

  it("that opens when it is no longer to be captured is let go at once", async () => {
    const own = devices();
    let open = (): void => undefined;
    media.hold = new Promise((resolve) => (open = resolve));
    const opening = own.capture([MICROPHONE]);
    await settled();
    await own.capture([]);
    open();
    await opening;
    expect([media.opened.length, live(), sent.has("room")]).toEqual([1, [], false]);
  });
});

describe("what was blocked", () => {
  beforeEach(() => {
    media.blocked = true;
    media.allowed = false;
  });

  it("is not asked for again by itself, and works at a retry", async () => {
    const own = devices();
    await own.capture([MICROPHONE, CAMERA]);
    expect(phases).toEqual({ microphone: "denied", camera: "denied" });
    media.blocked = false;
    media.plug("audioinput", "Headset");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(media.opened).toEqual([]);
    // Nor when the lesson itself begins, after the check, or is entered again.
    await own.capture([MICROPHONE, CAMERA]);
    expect(media.opened).toEqual([]);
    await own.retry();
    expect(phases).toEqual({ microphone: "on", camera: "on" });
    expect(Object.fromEntries(sent)).toEqual({ room: "Built-in", teacher: "Webcam" });
  });

  it("works at a retry although the first question was never answered", async () => {
    media.hold = new Promise(() => undefined);
    const own = devices();
    void own.capture([MICROPHONE]);
    await settled();
    media.hold = null;
    media.blocked = false;
    await own.retry();
    expect(phases.microphone).toBe("on");
  });

  it("goes on by itself where the browser tells that it is allowed", async () => {
    const own = devices();
    await own.capture([MICROPHONE]);
    await settled();
    media.blocked = false;
    permission.state = "granted";
    permission.onchange?.();
    await settled();
    expect(sent.get("room")).toBe("Built-in");
  });
});

describe("a device that does not answer", () => {
  let answer: () => void;

  beforeEach(() => {
    media.hold = new Promise((resolve) => (answer = resolve));
  });

  it("is told after eight seconds, keeps no other waiting, and is taken when it answers", async () => {
    const own = devices();
    let tried = false;
    void own.capture([MICROPHONE, CAMERA]).then(() => (tried = true));
    await vi.advanceTimersByTimeAsync(7900);
    expect(phases).toEqual({ microphone: "starting" });
    media.hold = null; // the camera's driver is well
    await vi.advanceTimersByTimeAsync(200);
    expect([phases, tried]).toEqual([{ microphone: "unanswered", camera: "on" }, true]);
    answer();
    await settled();
    expect(phases.microphone).toBe("on");
    expect(Object.fromEntries(sent)).toEqual({ room: "Built-in", teacher: "Webcam" });
  });

  it("works at a retry, and the late answer to the first question is let go", async () => {
    const own = devices();
    void own.capture([MICROPHONE]);
    await vi.advanceTimersByTimeAsync(8100);
    media.hold = null;
    await own.retry();
    expect(phases.microphone).toBe("on");
    answer();
    await settled();
    expect(media.opened.map((one) => one.readyState)).toEqual(["live", "ended"]);
    expect(phases.microphone).toBe("on");
  });

  it("keeps no other one away that is plugged in meanwhile, with nobody there to retry", async () => {
    const hangs = media.hold;
    media.hold = null;
    const own = devices();
    await own.capture([MICROPHONE]);
    await own.choose("room", "id of Desk");
    media.hold = hangs;
    media.unplug("Desk");
    await vi.advanceTimersByTimeAsync(12_000);
    expect(phases.microphone).toBe("unanswered");
    media.hold = null; // Desk's own driver is well
    media.plug("audioinput", "Desk");
    await settled();
    expect([phases.microphone, sent.get("room")]).toEqual(["on", "Desk"]);
    answer();
    await settled();
    expect(live()).toEqual(["Desk"]);
  });

  it("is waited for again at a retry, and told again", async () => {
    const own = devices();
    void own.capture([MICROPHONE]);
    await vi.advanceTimersByTimeAsync(8100);
    void own.retry();
    await settled();
    expect(phases.microphone).toBe("starting");
    await vi.advanceTimersByTimeAsync(8100);
    expect(phases.microphone).toBe("unanswered");
    own.close();
    answer();
    await settled();
    expect(live()).toEqual([]);
  });

  it("was chosen in place of one that works: that one goes on until it answers", async () => {
    const held = media.hold;
    media.hold = null;
    const own = devices();
    await own.capture([MICROPHONE]);
    media.hold = held;
    void own.choose("room", "id of Desk");
    await vi.advanceTimersByTimeAsync(8100);
    expect([phases.microphone, sent.get("room")]).toEqual(["unanswered", "Built-in"]);
    answer();
    await settled();
    expect([phases.microphone, live()]).toEqual(["on", ["Desk"]]);
  });
});

describe("the lists", () => {
  it("follow what is plugged in", async () => {
    const own = devices();
    await own.look();
    const names = (): string[] => choices.microphones.map((one) => one.label);
    expect(names()).toEqual(["Built-in", "Desk"]);
    media.plug("audioinput", "Headset");
    await settled();
    expect(names()).toEqual(["Built-in", "Desk", "Headset"]);
    media.unplug("Desk");
    await settled();
    expect(names()).toEqual(["Built-in", "Headset"]);
  });

  it("say where sound is played: at the chosen loudspeaker while it is there", async () => {
    const own = devices();
    await own.look();
    expect(choices.speaker).toBe("");
    await own.choose("speaker", "id of Ceiling");
    expect(choices.speaker).toBe("id of Ceiling");
    media.unplug("Ceiling");
    await settled();
    expect([choices.speaker, own.absent("speaker")]).toEqual(["", "Ceiling"]);
    media.plug("audiooutput", "Ceiling");
    await settled();
    expect(choices.speaker).toBe("id of Ceiling");
    const later = devices();
    await later.look();
    expect(choices.speaker).toBe("id of Ceiling");
  });
});

describe("a device that stands in no list", () => {
  it("is not taken for one that was pulled out", async () => {
    const own = devices();
    const strange = new FakeTrack("Loopback", "id of Loopback");
    media.getUserMedia = () => Promise.resolve({ getTracks: () => [strange] });
    await own.capture([MICROPHONE]);
    media.dispatchEvent(new Event("devicechange"));
    await settled();
    expect([sent.get("room"), strange.readyState]).toEqual(["Loopback", "live"]);
  });
});

describe("a room's second camera", () => {
  const PUPILS = { ...CAMERA, source: "students" } as SourceProfile;

  it("is never the first one's, however long that takes to open", async () => {
    const own = devices({ takesAll: true });
    await own.look(); // the browser has told ids: permission was given long ago
    let open = (): void => undefined;
    media.hold = new Promise((resolve) => (open = resolve));
    const captured = own.capture([CAMERA, PUPILS]);
    await settled();
    media.dispatchEvent(new Event("devicechange"));
    await settled();
    open();
    await captured;
    await settled();
    expect([...sent]).toEqual([["teacher", "Webcam"]]);
    expect(live()).toEqual(["Webcam"]);
  });

  it("is opened when the first one is, whoever opened that", async () => {
    media.plug("videoinput", "Ceiling camera");
    media.held.add("Webcam");
    const own = devices({ takesAll: true });
    await own.capture([CAMERA, PUPILS]);
    media.held.delete("Webcam");
    await own.retry();
    expect(Object.fromEntries(sent)).toEqual({ teacher: "Webcam", students: "Ceiling camera" });
  });
});
