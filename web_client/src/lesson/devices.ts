// This machine's cameras, microphones and loudspeakers: chosen, opened, exchanged at any time, and
// opened anew when a cable was pulled and put back. Owns the captured tracks; where they are sent
// is the publisher's, what a person chose is kept by `remembered_devices.ts`.

import type { Source, SourceProfile } from "../protocol/messages.ts";
import { deviceName, trackName } from "./device_names.ts";
import { screenConstraints, soundConstraints, videoConstraints } from "./encodings.ts";
import {
  type DeviceUse,
  findRemembered,
  NO_DEVICE,
  rememberDevice,
  rememberedDevice,
} from "./remembered_devices.ts";
import type { DeviceChoices, DevicePhase } from "./state.ts";

export interface DevicesPort {
  track(source: Source, track: MediaStreamTrack | null): void;
  phase(device: "camera" | "microphone", phase: DevicePhase): void;
  /** `source` is served by another device since the one before vanished; null: no longer so. */
  fellBack(source: Source, from: string, to: string | null): void;
  /** The list of devices, a choice, or what is used, has changed. */
  changed(choices: DeviceChoices): void;
}

const TRY_AGAIN_MS = 5000; // a camera that another program holds, or that is just starting
const UNANSWERED_MS = 8000; // who has seen the browser's question has answered it by then
const VANISHED_AGAIN_MS = 300; // the system needs a moment to know what is left

export class Devices {
  private choices: DeviceChoices = { cameras: [], microphones: [], speakers: [], speaker: "" };
  private readonly tracks = new Map<Source, MediaStreamTrack>();
  private readonly wanted = new Map<Source, SourceProfile>();
  /** The attempt under way for a source. A later one makes an earlier one void. */
  private readonly attempts = new Map<Source, number>();
  private attempt = 0;
  /** Sources whose device was pulled out and for which none is left, and what that was called. */
  private readonly pulled = new Map<Source, string>();
  /** Ids that have stood in a list: one that never did is not missed when it stands in none. */
  private readonly listed = new Set<string>();
  /** Sources whose attempt nobody has answered for long: what is plugged in now may answer. */
  private readonly unanswered = new Set<Source>();
  /** Sources that were denied: nobody is asked for them again by itself. */
  private readonly denied = new Set<Source>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private looking = false;
  private lookAgain = false;
  private readonly onChange = (): void => void this.look();
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

  track(source: Source): MediaStreamTrack | null {
    return this.tracks.get(source) ?? null;
  }

  /** The device a person chose, "" for any, `NO_DEVICE` for none. */
  chosen(use: DeviceUse): string {
    return findRemembered(use, this.devicesFor(use))?.deviceId ?? rememberedDevice(use)?.id ?? "";
  }

  /** The name of the chosen device while it is not here; "" otherwise. */
  absent(use: DeviceUse): string {
    const choice = rememberedDevice(use);
    if (!choice?.id || choice.id === NO_DEVICE) return "";
    if (!this.isNamed(use) || findRemembered(use, this.devicesFor(use))) return "";
    return deviceName(choice.label);
  }

  /** Whether the browser has told which devices there are for `use`: it does once one is allowed. */
  private isNamed(use: DeviceUse): boolean {
    return this.devicesFor(use).some((one) => one.label !== "");
  }

  /** Keep these sources captured, as their profiles say, and no others, from now on. */
  async capture(profiles: readonly SourceProfile[]): Promise<void> {
    const wanted = new Set(profiles.map((one) => one.source));
    for (const source of [...this.wanted.keys()]) if (!wanted.has(source)) this.letGo(source);
    for (const profile of profiles) this.wanted.set(profile.source, profile);
    await this.openWanted();
  }

  /** Take this device from now on, in place of what is used. */
  async choose(use: DeviceUse, deviceId: string): Promise<void> {
    const device = this.devicesFor(use).find((one) => one.deviceId === deviceId);
    rememberDevice(use, deviceId, device?.label ?? "");
    if (use === "speaker") {
      await this.refresh();
    } else {
      this.pulled.delete(use);
      if (deviceId === NO_DEVICE || !this.wanted.has(use)) this.release(use);
      if (this.wanted.has(use)) await this.open(use, { anew: true });
    }
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

  /** A person asks for what is wanted and not open: whatever an earlier attempt still waits for. */
  async retry(): Promise<void> {
    for (const source of this.wanted.keys()) {
      if (this.attempts.has(source) || !this.tracks.has(source)) {
        await this.open(source, { anew: true });
      }
    }
  }

  /** See what is plugged in, and use it as it was chosen. */
  async look(): Promise<void> {
    if (this.looking || this.stopped) {
      this.lookAgain = this.looking; // what has changed meanwhile may not be in the list yet
      return;
    }
    this.looking = true;
    try {
      await this.refresh();
      this.port.changed(this.choices);
      for (const [source, track] of [...this.tracks]) {
        if (source === "screen") continue;
        if (this.isGone(source, track)) this.vanished(source, track);
        else if (this.isBack(source, track)) await this.takeBack(source);
      }
    } finally {
      this.looking = false;
    }
    await this.openWanted();
    if (!this.lookAgain) return;
    this.lookAgain = false;
    await this.look();
  }

  /** Change to the chosen device again; what serves meanwhile goes on until it is open. */
  private takeBack(source: Source): Promise<void> {
    return this.open(source, { anew: true, gently: true });
  }

  /** Open what is wanted, not open and not denied. */
  private async openWanted(): Promise<void> {
    // The microphone first and alone: a room without a camera is still heard.
    const order = [...this.wanted.keys()].sort((a) => (a === "room" ? -1 : 1));
    for (const source of order) {
      const anew = this.unanswered.has(source) && !this.tracks.has(source);
      if (!this.denied.has(source)) await this.open(source, { anew });
    }
  }

  /** `anew`: whatever is open or being opened for it now; `gently`: what is open outlives a failure. */
  private async open(source: Source, { anew = false, gently = false } = {}): Promise<void> {
    const profile = this.wanted.get(source);
    if (!profile) return;
    if (!anew && (this.attempts.has(source) || this.tracks.has(source))) return;
    // Which cameras are free is known when the first one is open: it is looked for again then.
    if (!anew && !this.isMain(source) && this.mainIsOpening()) return;
    const attempt = ++this.attempt;
    this.attempts.set(source, attempt);
    this.denied.delete(source);
    this.unanswered.delete(source);
    const opening = this.carryOut(attempt, profile, gently);
    // A driver that hangs, or a question nobody answers: it is told, the other devices are opened,
    // and a late answer is still taken.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        const waits = !this.stopped && this.attempts.get(source) === attempt;
        if (waits) this.unanswered.add(source);
        if (waits && !gently && this.isMain(source)) this.port.phase(deviceOf(source), "unanswered");
        resolve();
      }, UNANSWERED_MS);
    });
    await Promise.race([opening, patience]);
    clearTimeout(timer);
  }

  private async carryOut(attempt: number, profile: SourceProfile, gently: boolean): Promise<void> {
    const { source } = profile;
    const device = deviceOf(source);
    const main = this.isMain(source);
    const valid = (): boolean =>
      !this.stopped && this.wanted.has(source) && this.attempts.get(source) === attempt;
    try {
      if (this.chosen(source) === NO_DEVICE) {
        if (main) this.port.phase(device, "off");
        return;
      }
      await this.refresh();
      const deviceId = this.pick(source);
      if (deviceId === null) return; // no further camera, or none chosen
      if (main && !this.tracks.has(source)) this.port.phase(device, "starting");
      const track = await this.getTrack(profile, deviceId, () => !gently && valid());
      if (!valid()) {
        track.stop();
        return;
      }
      this.keep(source, track);
      if (main) this.port.phase(device, "on");
      await this.refresh(); // ids and labels are told only after permission, the chosen one's too
      if (!gently && this.isBack(source, track)) void this.takeBack(source);
      // Names that come late come without an event: the chosen one would be missed for ever.
      if (rememberedDevice(source)?.id && !this.isNamed(source)) this.tryAgainLater();
    } catch (error) {
      if (!valid()) return;
      if (gently && this.tracks.has(source)) {
        this.tryAgainLater();
        return;
      }
      this.release(source);
      const phase = phaseOf(error);
      const told = phase === "missing" && this.pulled.has(source) ? "lost" : phase;
      if (main) this.port.phase(device, told);
      if (phase === "denied") {
        this.denied.add(source);
        this.awaitPermission(device);
      } else {
        this.tryAgainLater();
      }
    } finally {
      if (this.attempts.get(source) === attempt) {
        this.attempts.delete(source);
        this.unanswered.delete(source);
      }
      this.port.changed(this.choices);
      if (source !== "room" && main) await this.openFurther();
    }
  }

  private async openFurther(): Promise<void> {
    for (const source of this.wanted.keys()) {
      if (!this.isMain(source) && !this.denied.has(source)) await this.open(source);
    }
  }

  /** The device's track; what is open for its source stays so until the new one is there. */
  private async getTrack(
    profile: SourceProfile,
    deviceId: string,
    insists: () => boolean,
  ): Promise<MediaStreamTrack> {
    const { source } = profile;
    if (!this.media) throw new DOMException("insecure origin", "NotAllowedError");
    const constraints: MediaStreamConstraints =
      source === "room"
        ? { audio: soundConstraints(profile, deviceId) }
        : { video: videoConstraints(profile, deviceId) };
    const ask = async (media: MediaDevices): Promise<MediaStreamTrack> => {
      const track = (await media.getUserMedia(constraints)).getTracks()[0];
      if (!track) throw new DOMException("no track", "NotFoundError");
      return track;
    };
    try {
      return await ask(this.media);
    } catch (error) {
      // A browser that opens one microphone at a time, or a driver that opens a camera once.
      if (!insists() || !this.tracks.has(source) || phaseOf(error) === "denied") throw error;
      this.release(source);
      return await ask(this.media);
    }
  }

  /** The device for `source`: the chosen one, else the first no other source has; null for none. */
  private pick(source: Source): string | null {
    const devices = this.devicesFor(source);
    const chosen = findRemembered(source, devices);
    if (chosen) return chosen.deviceId;
    if (source === "room" || this.isMain(source)) return ""; // the browser's own default
    if (!this.takesAll) return null;
    const taken = new Set(this.camerasInUse(source));
    return devices.find((one) => one.deviceId && !taken.has(one.deviceId))?.deviceId ?? null;
  }

  private camerasInUse(but: Source): string[] {
    return [...this.tracks]
      .filter(([source]) => source !== but)
      .flatMap(([, track]) => track.getSettings().deviceId ?? []);
  }

  private devicesFor(use: DeviceUse): readonly MediaDeviceInfo[] {
    if (use === "speaker") return this.choices.speakers;
    return use === "room" ? this.choices.microphones : this.choices.cameras;
  }

  /** The first wanted camera stands for "the camera"; a second one may be missing in peace. */
  private isMain(source: Source): boolean {
    return source === "room" || this.firstCamera() === source;
  }

  private firstCamera(): Source | undefined {
    return [...this.wanted.keys()].find((one) => one !== "room");
  }

  private mainIsOpening(): boolean {
    const first = this.firstCamera();
    return first !== undefined && this.attempts.has(first);
  }

  private keep(source: Source, track: MediaStreamTrack): void {
    const before = this.tracks.get(source);
    const lost = this.pulled.get(source);
    this.tracks.set(source, track);
    this.pulled.delete(source);
    const name = trackName(track);
    const other = lost !== undefined && lost !== name;
    this.port.fellBack(source, lost ?? "", other ? name : null);
    track.addEventListener("ended", () => {
      if (this.tracks.get(source) === track) this.vanished(source, track);
    });
    this.port.track(source, track);
    before?.stop();
  }

  private vanished(source: Source, track: MediaStreamTrack): void {
    this.tracks.delete(source);
    this.pulled.set(source, trackName(track));
    track.stop();
    this.port.track(source, null);
    if (this.isMain(source)) this.port.phase(deviceOf(source), "lost");
    this.tryAgainLater(VANISHED_AGAIN_MS);
  }

  /** Whether the device of this track is no longer plugged in (its sound may go on elsewhere). */
  private isGone(source: Source, track: MediaStreamTrack): boolean {
    const id = track.getSettings().deviceId;
    const devices = this.devicesFor(source).filter((one) => one.deviceId);
    return this.listed.has(id ?? "") && devices.length > 0 && !devices.some((one) => one.deviceId === id);
  }

  /** Whether the device that was chosen is plugged in again, while another one serves. */
  private isBack(source: Source, track: MediaStreamTrack): boolean {
    const chosen = findRemembered(source, this.devicesFor(source));
    const id = track.getSettings().deviceId;
    return chosen !== undefined && Boolean(id) && chosen.deviceId !== id;
  }

  /** Another program may have it from now on; what still opens is closed when it comes. */
  private letGo(source: Source): void {
    if (this.isMain(source)) this.port.phase(deviceOf(source), "off");
    this.wanted.delete(source);
    this.attempts.delete(source);
    this.pulled.delete(source);
    this.unanswered.delete(source);
    this.port.fellBack(source, "", null);
    this.release(source);
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
    this.timer = setTimeout(() => void this.look(), delayMs);
  }

  /** Nobody is asked again for what was denied; but when it is allowed after all, go on. */
  private awaitPermission(device: "camera" | "microphone"): void {
    const permissions = (navigator as Partial<Navigator>).permissions;
    permissions
      ?.query({ name: device })
      .then((status) => {
        status.onchange = () => {
          if (!this.stopped && status.state === "granted") void this.retry();
        };
      })
      .catch(() => undefined); // a browser that cannot tell: there is a button to try again
  }

  private async refresh(): Promise<void> {
    // A page that may not even look has no devices.
    const all = (await this.media?.enumerateDevices().catch(() => [])) ?? [];
    const of = (kind: MediaDeviceKind): MediaDeviceInfo[] => all.filter((one) => one.kind === kind);
    const speakers = of("audiooutput");
    for (const one of all) if (one.deviceId) this.listed.add(one.deviceId);
    this.choices = {
      cameras: of("videoinput"),
      microphones: of("audioinput"),
      speakers,
      speaker: findRemembered("speaker", speakers)?.deviceId ?? "",
    };
  }
}

function deviceOf(source: Source): "camera" | "microphone" {
  return source === "room" ? "microphone" : "camera";
}

function phaseOf(error: unknown): DevicePhase {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "missing";
}
