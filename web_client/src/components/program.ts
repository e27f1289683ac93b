// The lesson's program: one picture of all, as the server makes it. Names and signs are in it.
//
// Reports its size to the session, as a tile does. Hooks for tests and styles: `data-state`.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { base } from "../design/shared.ts";
import { lessonProgram } from "../lesson/program.ts";
import type { LessonSession } from "../lesson/session.ts";
import type { View } from "../lesson/state.ts";
import { PRIORITY, PROGRAM, PROGRAM_ASIDE } from "../lesson/wants.ts";
import { define, TongkeElement } from "./element.ts";

type Condition = "moving" | "starting" | "paused" | "stalled";

export class ProgramView extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        position: relative;
        display: block;
        flex: 1;
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
        object-fit: contain;
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
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  /** Small, for who only looks at what others see. */
  @property({ type: Boolean }) looks = false;
  @state() private hasFrames = false;
  @query("video") private video!: HTMLVideoElement;
  private shown: MediaStreamTrack | null = null;
  private readonly sizes = new ResizeObserver(() => this.report());

  override connectedCallback(): void {
    super.connectedCallback();
    this.sizes.observe(this);
  }

  override disconnectedCallback(): void {
    this.sizes.disconnect();
    super.disconnectedCallback();
    this.session.tiles.delete(this);
  }

  protected override willUpdate(): void {
    this.dataset.state = this.condition();
  }

  protected override updated(): void {
    const track = this.track();
    if (track === this.shown) return;
    this.shown = track;
    this.hasFrames = false;
    this.video.srcObject = track ? new MediaStream([track]) : null;
    if (track) void this.video.play().catch(() => undefined); // muted: only a removal interrupts
  }

  private track(): MediaStreamTrack | null {
    const picture = lessonProgram(this.view);
    return (picture && this.view.tracks.get(picture.producer_id)) ?? null;
  }

  private report(): void {
    const { width, height } = this.getBoundingClientRect();
    const scale = Math.min(2, devicePixelRatio);
    this.session.tiles.set(this, {
      picture: this.looks ? PROGRAM_ASIDE : PROGRAM,
      width: Math.round(width * scale),
      height: Math.round(height * scale),
      priority: this.looks ? PRIORITY.strip : PRIORITY.large,
    });
  }

  private condition(): Condition {
    const id = lessonProgram(this.view)?.producer_id ?? "";
    const stream = this.view.streams.get(id);
    if (stream?.layer === -1 && stream.reason === "bandwidth") return "paused";
    if (!this.hasFrames || !this.view.tracks.has(id)) return "starting";
    return this.view.stalled.has(id) ? "stalled" : "moving";
  }

  override render(): TemplateResult {
    const { tile, program } = this.m;
    const condition = this.condition();
    const words = {
      starting: program.starting,
      paused: tile.paused,
      stalled: tile.stalled,
      moving: "",
    }[condition];
    return html`<video
        aria-label=${program.name}
        autoplay
        playsinline
        disablepictureinpicture
        .muted=${true}
        @playing=${() => (this.hasFrames = true)}
        @resize=${() => (this.hasFrames = true)}
      ></video>
      ${words ? html`<div class="cover"><span>${words}</span></div>` : nothing}`;
  }
}

define("tk-program", ProgramView);

declare global {
  interface HTMLElementTagNameMap {
    "tk-program": ProgramView;
  }
}
