// A waiting room's own devices: opened as a lesson would open them, looked at, and told of.
//
// It holds what the gear needs (`devices`, `store`), so that a microphone is chosen before the lesson
// as within it. When the lesson begins it is closed: the lesson opens its devices itself.

import type { LineProbe, Readiness } from "../api/types.ts";
import type { SendProfile, SourceProfile } from "../protocol/messages.ts";
import { Devices } from "./devices.ts";
import { watchLevel } from "./level.ts";
import { type MediaWay, tryMedia } from "./line_probe.ts";
import { PictureSampler, PictureWatch } from "./picture_watch.ts";
import { cameraReadiness, lineReadiness, soundReadiness } from "./readiness.ts";
import { SoundWatch } from "./sound_watch.ts";
import type { View } from "./state.ts";
import { LessonStore } from "./store.ts";

const LOOK_EVERY_MS = 1000;
const LINE_EVERY_MS = 60_000;
const SOCKET_LIMIT_MS = 8000;

export class RoomCheck {
  readonly store = new LessonStore();
  readonly devices: Devices;
  /** The page's last question to the server took so long. */
  rttMs: number | null = null;
  private socket: boolean | null = null;
  private media: MediaWay | null = null;
  private picture = new PictureWatch();
  private sound = new SoundWatch();
  private sampled: { track: MediaStreamTrack; sampler: PictureSampler } | null = null;
  private listened: { track: MediaStreamTrack; stop: () => void } | null = null;
  private looker: ReturnType<typeof setInterval> | undefined;
  private prober: ReturnType<typeof setInterval> | undefined;
  private stopProbe: (() => void) | undefined;
  private stopMedia = new AbortController();

  private readonly sources: readonly SourceProfile[];

  constructor(
    sends: SendProfile,
    private readonly askProbe: () => Promise<LineProbe>,
    private readonly changed: () => void,
  ) {
    this.sources = sends.sources.filter((one) => one.source !== "screen");
    this.store.dispatch({ type: "profile", profile: sends });
    this.devices = new Devices(
      {
        track: (source, track) => this.store.dispatch({ type: "own", source, track }),
        phase: (device, phase) => this.store.dispatch({ type: "device", device, phase }),
        changed: (choices) => this.store.dispatch({ type: "devices", choices }),
        fellBack: () => undefined, // nobody speaks yet, and what it uses stands on the screen
      },
      true,
    );
    this.store.watch(() => this.changed());
  }

  get view(): View {
    return this.store.view;
  }

  get readiness(): Readiness {
    const { camera, microphone } = this.view;
    return {
      camera: cameraReadiness(camera, this.picture.verdict),
      sound: soundReadiness(microphone, this.sound.verdict),
      line: lineReadiness(this.rttMs, this.socket, this.media),
      rtt_ms: this.rttMs,
    };
  }

  open(): void {
    for (const { source } of this.sources) {
      const device = source === "room" ? "microphone" : "camera";
      this.store.dispatch({ type: "device", device, phase: "starting" });
    }
    void this.devices.look();
    void this.devices.capture(this.sources);
    this.looker = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.prober = setInterval(() => this.probe(), LINE_EVERY_MS);
    this.probe();
  }

  close(): void {
    clearInterval(this.looker);
    clearInterval(this.prober);
    this.stopProbe?.();
    this.stopMedia.abort();
    this.devices.close();
    this.sampled?.sampler.close();
    this.listened?.stop();
    this.sampled = this.listened = null;
  }

  private look(): void {
    const before = JSON.stringify(this.readiness);
    this.listen(this.view.own.get("room") ?? null);
    if (!document.hidden) this.see(this.firstCamera());
    if (JSON.stringify(this.readiness) !== before) this.changed();
  }

  private firstCamera(): MediaStreamTrack | null {
    const first = this.sources.find((one) => one.source !== "room");
    return (first && this.view.own.get(first.source)) ?? null;
  }

  private see(track: MediaStreamTrack | null): void {
    if (this.sampled?.track !== track) {
      this.sampled?.sampler.close();
      this.sampled = track && { track, sampler: new PictureSampler(track) };
      this.picture = new PictureWatch();
    }
    const luma = this.sampled?.sampler.sample();
    if (luma) this.picture.add(luma, performance.now() / 1000);
  }

  private listen(track: MediaStreamTrack | null): void {
    if (this.listened?.track === track) return;
    this.listened?.stop();
    this.sound = new SoundWatch();
    const stop = track && watchLevel(track, ({ rmsDb }) => this.sound.add(rmsDb, performance.now() / 1000));
    this.listened = track && stop && { track, stop };
  }

  /** Whether media would reach the server: a firewall may let pages through, and no UDP. */
  private async probeMedia(): Promise<void> {
    this.stopMedia.abort();
    const { signal } = (this.stopMedia = new AbortController());
    try {
      const probe = await this.askProbe();
      const way = await tryMedia(probe, signal).catch((): MediaWay => "none"); // no WebRTC at all
      if (way === null || signal.aborted) return;
      this.media = way;
      this.changed();
    } catch {
      // The server is away, which is said elsewhere: it is tried again in a minute.
    }
  }

  /** Whether the lesson's WebSocket opens: a proxy may let pages through and not that. */
  private probe(): void {
    this.stopProbe?.();
    void this.probeMedia();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    const limit = setTimeout(() => done(false), SOCKET_LIMIT_MS);
    let open = true;
    const done = (reached: boolean | null): void => {
      if (!open) return;
      open = false;
      clearTimeout(limit);
      this.stopProbe = undefined;
      socket.close();
      if (reached === null) return;
      this.socket = reached;
      this.changed();
    };
    socket.addEventListener("open", () => done(true));
    socket.addEventListener("close", () => done(false));
    this.stopProbe = () => done(null);
  }
}
