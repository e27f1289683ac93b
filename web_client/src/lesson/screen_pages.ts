// The pages of this device's shared screen: looked at while it is shared, told as they come. Who sends
// it knows them best: nobody has to decode what it sends.
//
// It goes on while the window is hidden: a teacher's slides stand before it. A browser's clock then
// ticks once a second, which is as often as one looks.

import { PAGE_HEIGHT, PAGE_WIDTH, PageWatch } from "./page_watch.ts";
import { PictureSampler } from "./picture_watch.ts";

const SIZE = { width: PAGE_WIDTH, height: PAGE_HEIGHT };

export class ScreenPages {
  private shared: { track: MediaStreamTrack; sampler: PictureSampler; watch: PageWatch } | null =
    null;

  /** `told`: another page has stood for so many seconds by now. */
  constructor(private readonly told: (stoodS: number) => void) {}

  /** Once a second; null: nothing is shared. */
  look(track: MediaStreamTrack | null, nowS: number): void {
    if (this.shared?.track !== track) {
      this.shared?.sampler.close();
      this.shared = track && {
        track,
        sampler: new PictureSampler(track, SIZE),
        watch: new PageWatch(),
      };
    }
    if (!this.shared || !track?.enabled) return; // closed, it is black, and no page
    const picture = this.shared.sampler.sample();
    const stoodS = picture && this.shared.watch.look(picture, nowS);
    if (stoodS !== null) this.told(stoodS);
  }
}
