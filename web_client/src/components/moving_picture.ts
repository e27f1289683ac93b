// A picture that comes over the line: its `<video>`, the track in it, and how large it stands.
//
// Reports its size to the session, so that the server sends a picture no larger than needed. Which
// picture it is, and what stands over it, is for the elements that extend it.

import { css, html, type PropertyValues, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import type { LessonSession } from "../lesson/session.ts";
import type { View } from "../lesson/state.ts";
import type { TileSize } from "../lesson/wants.ts";
import { TongkeElement } from "./element.ts";

export const movingPicture = css`
  :host {
    position: relative;
    display: block;
    min-width: 0;
    min-height: 0;
    overflow: hidden;
    background: var(--picture);
    color: var(--on-picture);
  }
  video {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
  }
  .cover {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    background: var(--picture-veil);
    color: var(--on-picture-soft);
    text-align: center;
  }
`;

export abstract class MovingPicture extends TongkeElement {
  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  /** Something of the track is seen. */
  @state() protected hasFrames = false;
  @query("video") private video!: HTMLVideoElement;
  private shown: MediaStreamTrack | null = null;
  private readonly sizes = new ResizeObserver(() => this.report());

  /** What moves in it now. */
  protected abstract track(): MediaStreamTrack | null;
  /** Which picture is wanted at this size and how much; null while nobody sees it. */
  protected abstract wanted(): Pick<TileSize, "picture" | "priority"> | null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.sizes.observe(this);
  }

  override disconnectedCallback(): void {
    this.sizes.disconnect();
    this.session.tiles.delete(this);
    super.disconnectedCallback();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const track = this.track();
    if (track === this.shown) return;
    this.shown = track;
    this.hasFrames = false;
    this.video.srcObject = track ? new MediaStream([track]) : null;
    if (track) void this.video.play().catch(() => undefined); // muted: only a removal interrupts
  }

  /** Tell the session how large it stands. */
  protected report(): void {
    const wanted = this.isConnected ? this.wanted() : null;
    if (!wanted) {
      this.session.tiles.delete(this);
      return;
    }
    const { width, height } = this.getBoundingClientRect();
    const scale = Math.min(2, devicePixelRatio);
    this.session.tiles.set(this, {
      ...wanted,
      width: Math.round(width * scale),
      height: Math.round(height * scale),
    });
  }

  /** The moving part; sound is for the page's own element. */
  protected moving(name: string, classes = ""): TemplateResult {
    return html`<video
      class=${classes}
      aria-label=${name}
      autoplay
      playsinline
      disablepictureinpicture
      .muted=${true}
      @playing=${() => (this.hasFrames = true)}
      @resize=${() => (this.hasFrames = true)}
    ></video>`;
  }
}
