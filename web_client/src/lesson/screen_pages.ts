// The pages of a screen that is shared here: looked at while it is shared, told as they come. Who sends
// it knows them best: nobody has to decode what it sends.
//
// It goes on while the window is hidden: a teacher's slides stand before it. A browser's clock then
// ticks once a second, which is as often as one looks, and the video goes on.

import { PAGE_HEIGHT, PAGE_WIDTH, PageWatch } from "./page_watch.ts";

const LOOK_EVERY_MS = 1000;

/**
 * Call `told` when another page stands, with for how many seconds it has. Returns how to stop, which
 * the end of `track` does too.
 */
export function watchPages(track: MediaStreamTrack, told: (stoodS: number) => void): () => void {
  const reader = new ScreenReader(track);
  const watch = new PageWatch();
  const stop = (): void => {
    clearInterval(timer);
    reader.close();
  };
  const look = (): void => {
    if (track.readyState === "ended") stop();
    if (track.readyState === "ended" || !track.enabled) return; // closed, it is black: no page
    const picture = reader.read();
    const stoodS = picture && watch.look(picture, performance.now() / 1000);
    if (stoodS !== null) told(stoodS);
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return stop;
}

/** The brightness of all that a track shows, made small. */
class ScreenReader {
  private readonly video = document.createElement("video");
  private readonly context: CanvasRenderingContext2D | null;

  constructor(track: MediaStreamTrack) {
    const canvas = document.createElement("canvas");
    canvas.width = PAGE_WIDTH;
    canvas.height = PAGE_HEIGHT;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = new MediaStream([track]);
    void this.video.play().catch(() => undefined); // no picture is read then
  }

  /** Null while there is no picture yet. */
  read(): Uint8Array | null {
    if (!this.context || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    this.context.drawImage(this.video, 0, 0, PAGE_WIDTH, PAGE_HEIGHT);
    const { data } = this.context.getImageData(0, 0, PAGE_WIDTH, PAGE_HEIGHT);
    const brightness = new Uint8Array(PAGE_WIDTH * PAGE_HEIGHT);
    for (let place = 0, at = 0; place < brightness.length; place++, at += 4) {
      brightness[place] = ((data[at] ?? 0) + 2 * (data[at + 1] ?? 0) + (data[at + 2] ?? 0)) >> 2;
    }
    return brightness;
  }

  close(): void {
    this.video.srcObject = null;
  }
}
