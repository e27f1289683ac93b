// This machine's cameras and microphones: chosen, remembered, opened, and reopened when a cable
// was pulled and put back. Owns the captured tracks; where they are sent is the publisher's.

import type { Source, SourceProfile } from "../protocol/messages.ts";
import { screenConstraints, soundConstraints, videoConstraints } from "./encodings.ts";
import type { DeviceChoices, DevicePhase } from "./state.ts";

export type CameraSource = "teacher" | "students" | "board";

export interface DevicesPort {
  track(source: Source, track: MediaStreamTrack | null): void;
  phase(device: "camera" | "microphone", phase: DevicePhase): void;
  /** The list of devices, or a choice, has changed. */
  changed(choices: DeviceChoices): void;
}

const REMEMBERED = "tongke.devices";
const TRY_AGAIN_MS = 5000; // a camera that another program holds, or that is just starting
/** "no device for this source", as remembered. */
export const NO_DEVICE = "none";

interface Remembered {
  id: string;
  label: string;
}

export class Devices {
  private choices: DeviceChoices = { cameras: [], microphones: [] };
  private readonly tracks = new Map<Source, MediaStreamTrack>();
  private readonly wanted = new Map<Source, SourceProfile>();
  private readonly opening = new Set<Source>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly onChange = (): void => void this.devicesChanged();
  private stopped = false;

  /** `takesAll`: a room's further cameras are used unasked; a person's laptop's are not. */
  constructor(
    private readonly port: DevicesPort,
    readonly takesAll: boolean,
  ) {
    // Without a secure origin there are no devices at all: the page says so.
    this.media?.addEventListener("devicechange", this.onChange);
  }

  private get media(): MediaDevices | undefined {
    return (navigator as Partial<Navigator>).mediaDevices;
  }

  get available(): DeviceChoices {
    return this.choices;
  }

  track(source: Source): MediaStreamTrack | null {
    return this.tracks.get(source) ?? null;
  }

  /** The device a person chose for `source`, "" for any, `NO_DEVICE` for none. */
  chosen(source: Source): string {
    return this.remembered()[source]?.id ?? "";
  }

  /** Keep these sources captured, as their profiles say, from now on. */
  async capture(profiles: readonly SourceProfile[]): Promise<void> {
    for (const profile of profiles) this.wanted.set(profile.source, profile);
    // The microphone first and alone: a room without a camera is still heard.
    const order = [...this.wanted.keys()].sort((a) => (a === "room" ? -1 : 1));
    for (const source of order) await this.open(source);
  }

  async choose(source: Source, deviceId: string): Promise<void> {
    const device = this.devicesFor(source).find((one) => one.deviceId === deviceId);
    const all = this.remembered();
    all[source] = { id: deviceId, label: device?.label ?? "" };
    localStorage.setItem(REMEMBERED, JSON.stringify(all));
    this.release(source);
    if (this.wanted.has(source)) await this.open(source);
    this.port.changed(this.choices);
  }

  /** Ask for a screen or window to share; null if the person thought better of it. */
  async shareScreen(profile: SourceProfile | null): Promise<MediaStreamTrack | null> {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(screenConstraints(profile));
      const track = stream.getVideoTracks()[0] ?? null;
      if (!track) return null;
      this.tracks.set("screen", track);
      track.addEventListener("ended", () => {
        if (this.tracks.get("screen") === track) this.stopScreen();
      });
      this.port.track("screen", track);
      return track;
    } catch {
      return null;
    }
  }

  stopScreen(): void {
    this.release("screen");
  }

  close(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.media?.removeEventListener("devicechange", this.onChange);
    this.wanted.clear();
    for (const source of [...this.tracks.keys()]) this.release(source);
  }

  private async open(source: Source): Promise<void> {
    const profile = this.wanted.get(source);
    if (!profile || this.opening.has(source) || this.tracks.has(source)) return;
    const device = source === "room" ? "microphone" : "camera";
    const main = this.isMain(source);
    if (this.chosen(source) === NO_DEVICE) {
      if (main) this.port.phase(device, "off");
      return;
    }
    this.opening.add(source);
    try {
      await this.refresh();
      const deviceId = this.pick(source);
      if (deviceId === null) return; // no further camera, or none chosen
      if (main) this.port.phase(device, "starting");
      const track = await this.getTrack(source, profile, deviceId);
      if (this.stopped || !this.wanted.has(source)) {
        track.stop();
        return;
      }
      this.keep(source, track);
      if (main) this.port.phase(device, "on");
      await this.refresh(); // labels are told only after permission
    } catch (error) {
      const phase = phaseOf(error);
      if (main) this.port.phase(device, phase);
      if (phase === "denied") this.awaitPermission(device);
      else this.tryAgainLater();
    } finally {
      this.opening.delete(source);
      this.port.changed(this.choices);
    }
  }

  private async getTrack(
    source: Source,
    profile: SourceProfile,
    deviceId: string,
  ): Promise<MediaStreamTrack> {
    if (!this.media) throw new DOMException("insecure origin", "NotAllowedError");
    const constraints: MediaStreamConstraints =
      source === "room"
        ? { audio: soundConstraints(profile, deviceId) }
        : { video: videoConstraints(profile, deviceId) };
    const stream = await this.media.getUserMedia(constraints);
    const track = stream.getTracks()[0];
    if (!track) throw new DOMException("no track", "NotFoundError");
    return track;
  }

  /** The device for `source`: the chosen one, else the first no other source has; null for none. */
  private pick(source: Source): string | null {
    const devices = this.devicesFor(source);
    const choice = this.remembered()[source];
    const chosen =
      devices.find((one) => one.deviceId === choice?.id) ??
      devices.find((one) => one.label !== "" && one.label === choice?.label);
    if (chosen) return chosen.deviceId;
    if (source === "room" || this.isMain(source)) return ""; // the browser's own default
    if (!this.takesAll) return null;
    const taken = new Set(this.camerasInUse());
    return devices.find((one) => one.deviceId && !taken.has(one.deviceId))?.deviceId ?? null;
  }

  private camerasInUse(): string[] {
    return [...this.tracks.values()].flatMap((track) => track.getSettings().deviceId ?? []);
  }

  private devicesFor(source: Source): readonly MediaDeviceInfo[] {
    return source === "room" ? this.choices.microphones : this.choices.cameras;
  }

  /** The first wanted camera stands for "the camera"; a second one may be missing in peace. */
  private isMain(source: Source): boolean {
    if (source === "room") return true;
    return [...this.wanted.keys()].find((one) => one !== "room") === source;
  }

  private keep(source: Source, track: MediaStreamTrack): void {
    this.tracks.set(source, track);
    track.addEventListener("ended", () => {
      if (this.tracks.get(source) !== track) return;
      this.tracks.delete(source);
      this.port.track(source, null);
      if (this.isMain(source)) this.port.phase(source === "room" ? "microphone" : "camera", "lost");
      this.tryAgainLater(300);
    });
    this.port.track(source, track);
  }

  private release(source: Source): void {
    const track = this.tracks.get(source);
    if (!track) return;
    this.tracks.delete(source);
    track.stop();
    this.port.track(source, null);
  }

  private tryAgainLater(delayMs = TRY_AGAIN_MS): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.reopen(), delayMs);
  }

  /** Nobody is asked again for what was denied; but when it is allowed after all, go on. */
  private awaitPermission(device: "camera" | "microphone"): void {
    const permissions = (navigator as Partial<Navigator>).permissions;
    permissions
      ?.query({ name: device })
      .then((status) => {
        status.onchange = () => {
          if (!this.stopped && status.state === "granted") void this.reopen();
        };
      })
      .catch(() => undefined); // a browser that cannot tell: there is a button to try again
  }

  /** Open what is wanted and not open. */
  async reopen(): Promise<void> {
    for (const source of this.wanted.keys()) await this.open(source);
  }

  private async devicesChanged(): Promise<void> {
    await this.refresh();
    this.port.changed(this.choices);
    await this.reopen();
  }

  private async refresh(): Promise<void> {
    const all = (await this.media?.enumerateDevices()) ?? [];
    this.choices = {
      cameras: all.filter((one) => one.kind === "videoinput"),
      microphones: all.filter((one) => one.kind === "audioinput"),
    };
  }

  private remembered(): Partial<Record<Source, Remembered>> {
    try {
      const found: unknown = JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}");
      return typeof found === "object" && found !== null ? found : {};
    } catch {
      return {};
    }
  }
}

function phaseOf(error: unknown): DevicePhase {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "missing";
}
