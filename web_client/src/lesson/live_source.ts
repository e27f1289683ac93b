// A lesson's program as low-latency HLS in a media element: by hls.js, which is fetched when it is
// asked for, or by the browser's own player where it has one. Draws nothing.
//
// A second is kept in hand; who is a little further behind by a line that stood still comes up by
// playing faster, who has gone back by themselves stays there.

import type Hls from "hls.js";

/** Faster than it is, to come up: voices keep their pitch. */
const HURRIES = 1.5;
/** Who stood still keeps so much more in hand, not a whole second. */
const MORE_IN_HAND_S = 0.25;
/** Without hls.js: so far from the end what comes next is surely there. */
const FROM_THE_END_S = 3;

export interface LiveSource {
  /** Seconds behind the newest there is; null before anything is there. */
  behind(): number | null;
  /** Seconds that one can go back from the newest. */
  window(): number;
  /** Play so many seconds behind the newest; 0 is live. */
  goTo(behindS: number): void;
  close(): void;
}

/** `onLost` is called once when it does not go on by itself; then it is closed. */
export async function playLive(
  video: HTMLVideoElement,
  address: string,
  onLost: () => void,
): Promise<LiveSource> {
  const { default: Player } = await import("hls.js/light");
  if (Player.isSupported()) return new HlsSource(video, new Player(CONFIG), Player, address, onLost);
  return new OwnSource(video, address, onLost);
}

const CONFIG = {
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: HURRIES,
  liveSyncOnStallIncrease: MORE_IN_HAND_S,
  enableWorker: false, // fragmented MP4 goes on as it is
};

class HlsSource implements LiveSource {
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly hls: Hls,
    { Events, ErrorTypes }: typeof Hls,
    address: string,
    onLost: () => void,
  ) {
    hls.on(Events.ERROR, (_event, { fatal, type }) => {
      if (!fatal) return;
      if (type === ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
      else onLost();
    });
    hls.loadSource(address);
    hls.attachMedia(video);
  }

  behind(): number | null {
    const list = this.hls.latestLevelDetails;
    // hls.js's own `latency` is that of a moment ago: after a seek it tells where one was.
    return list ? Math.max(0, list.edge + list.age - this.video.currentTime) : null;
  }

  window(): number {
    return this.hls.latestLevelDetails?.totalduration ?? 0;
  }

  goTo(behindS: number): void {
    const { hls, video } = this;
    const live = hls.liveSyncPosition;
    if (live === null) return;
    // Else it would hurry back from where somebody has just gone.
    hls.config.maxLiveSyncPlaybackRate = behindS > 0 ? 1 : HURRIES;
    video.playbackRate = 1;
    video.currentTime = behindS > 0 ? live + (hls.targetLatency ?? 0) - behindS : live;
  }

  close(): void {
    this.hls.destroy();
  }
}

class OwnSource implements LiveSource {
  constructor(
    private readonly video: HTMLVideoElement,
    address: string,
    private readonly onLost: () => void,
  ) {
    video.addEventListener("error", onLost, { once: true });
    video.src = address;
  }

  behind(): number | null {
    const { seekable, currentTime } = this.video;
    return seekable.length ? seekable.end(seekable.length - 1) - currentTime : null;
  }

  window(): number {
    const { seekable } = this.video;
    return seekable.length ? seekable.end(seekable.length - 1) - seekable.start(0) : 0;
  }

  goTo(behindS: number): void {
    const { seekable } = this.video;
    if (!seekable.length) return;
    this.video.currentTime = seekable.end(seekable.length - 1) - (behindS || FROM_THE_END_S);
  }

  close(): void {
    this.video.removeEventListener("error", this.onLost);
    this.video.removeAttribute("src");
    this.video.load();
  }
}
