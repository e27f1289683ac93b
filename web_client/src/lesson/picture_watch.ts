// Whether what a camera gives is a picture: not all black, not the same for ever. Pure; the samples
// and the time are handed in.

export type PictureVerdict = "checking" | "ready" | "black" | "frozen";

/** Of 255. Black is 16 in the narrow range that many cameras give; a covered lens adds some noise. */
const BLACK_LUMA = 26;
/** So much of the picture may be brighter and it is black all the same: a lamp on the device, noise. */
const BRIGHT_SHARE = 0.01;
const BLACK_AFTER_S = 3; // a camera that starts gives black pictures first
/** Every camera's picture has noise: not one sample that changes within so long is no camera's. */
const FROZEN_AFTER_S = 10;

export class PictureWatch {
  verdict: PictureVerdict = "checking";
  private last: Uint8Array | null = null;
  private changedAt = 0;
  private brightAt = 0;

  /** A picture as brightness of some of its points. */
  add(luma: Uint8Array, nowS: number): PictureVerdict {
    if (!this.last) this.changedAt = this.brightAt = nowS;
    else if (!same(luma, this.last)) this.changedAt = nowS;
    const bright = luma.filter((one) => one > BLACK_LUMA).length > luma.length * BRIGHT_SHARE;
    if (bright) this.brightAt = nowS;
    const first = this.last === null;
    this.last = luma;
    this.verdict = this.judge(nowS, bright, first);
    return this.verdict;
  }

  private judge(nowS: number, bright: boolean, first: boolean): PictureVerdict {
    if (nowS - this.brightAt >= BLACK_AFTER_S) return "black";
    if (nowS - this.changedAt >= FROZEN_AFTER_S) return "frozen";
    if (first || !bright) return this.verdict === "ready" ? "ready" : "checking";
    return nowS === this.changedAt ? "ready" : this.verdict;
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((value, place) => value === other[place]);
}

const WIDTH = 64;
const HEIGHT = 36;

/** Reads points of a camera's picture, unsmoothed so that its noise is seen. */
export class PictureSampler {
  private readonly video = document.createElement("video");
  private readonly canvas = document.createElement("canvas");

  constructor(track: MediaStreamTrack) {
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = new MediaStream([track]);
    void this.video.play().catch(() => undefined); // no picture is read, and none is judged
  }

  /** Null while there is no picture yet. */
  sample(): Uint8Array | null {
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!context || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.video, 0, 0, WIDTH, HEIGHT);
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
    return Uint8Array.from(
      { length: WIDTH * HEIGHT },
      (_, place) =>
        // BT.601 luma, in whole numbers
        (77 * (data[4 * place] ?? 0) + 150 * (data[4 * place + 1] ?? 0) + 29 * (data[4 * place + 2] ?? 0)) >> 8,
    );
  }

  close(): void {
    this.video.srcObject = null;
  }
}
