// The others' sound: one audio element per seat, or one for the program's mix. Draws nothing.
//
// A seat's picture and sound are one stream in the server's offer, so the browser keeps them in
// step although picture and sound sit in different elements. If the browser refuses to begin
// without a touch, the page is told and the first key or touch starts it. It is played at the
// loudspeaker that was chosen on this computer, if that is plugged in.

import { html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { base } from "../design/shared.ts";
import { programSound } from "../lesson/program.ts";
import type { LessonSession } from "../lesson/session.ts";
import type { View } from "../lesson/state.ts";
import { PROGRAM } from "../lesson/wants.ts";
import { define, TongkeElement } from "./element.ts";

interface Voice {
  seatId: string;
  track: MediaStreamTrack;
}

export class Sound extends TongkeElement {
  static override styles = [base];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) session!: LessonSession;
  @property({ type: Boolean }) silent = false;
  private readonly onGesture = (): void => {
    if (this.view.soundBlocked) void this.playAll();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.onGesture);
    addEventListener("pointerdown", this.onGesture);
  }

  override disconnectedCallback(): void {
    removeEventListener("keydown", this.onGesture);
    removeEventListener("pointerdown", this.onGesture);
    super.disconnectedCallback();
  }

  private voices(): Voice[] {
    const mixed = programSound(this.view);
    const mix = mixed && this.view.tracks.get(mixed.producer_id);
    if (mix) return [{ seatId: PROGRAM, track: mix }]; // all voices are in it
    const voices: Voice[] = [];
    for (const seat of this.view.seats.values()) {
      for (const source of seat.sources) {
        const track = source.kind === "audio" && this.view.tracks.get(source.producer_id);
        if (track) voices.push({ seatId: seat.seat_id, track });
      }
    }
    return voices;
  }

  override render(): TemplateResult {
    return html`${repeat(
      this.voices(),
      (voice) => voice.seatId,
      (voice) => html`<audio data-seat=${voice.seatId} .muted=${this.silent}></audio>`,
    )}`;
  }

  protected override updated(): void {
    this.useSpeaker(this.view.choices.speaker);
    let fresh = false;
    for (const voice of this.voices()) {
      const element = this.elementOf(voice.seatId);
      const current = element?.srcObject instanceof MediaStream ? element.srcObject : null;
      if (!element || current?.getAudioTracks()[0] === voice.track) continue;
      element.srcObject = new MediaStream([voice.track]);
      fresh = true;
    }
    if (fresh || (!this.silent && !this.view.soundBlocked)) void this.playAll();
  }

  private useSpeaker(id: string): void {
    for (const element of this.elements()) {
      if (!("setSinkId" in element) || element.sinkId === id) continue;
      // Unplugged meanwhile, or not for us: the system's own plays on, and the list is read anew.
      void element.setSinkId(id).catch(() => undefined);
    }
  }

  private elementOf(seatId: string): HTMLAudioElement | undefined {
    return this.elements().find((element) => element.dataset.seat === seatId);
  }

  private elements(): HTMLAudioElement[] {
    return [...this.renderRoot.querySelectorAll("audio")];
  }

  private async playAll(): Promise<void> {
    let blocked = false;
    for (const element of this.elements()) {
      if (!element.paused || !element.srcObject) continue;
      try {
        await element.play();
      } catch (error) {
        // AbortError: the element got another stream meanwhile and is played again.
        if (error instanceof DOMException && error.name === "NotAllowedError") blocked = true;
      }
    }
    this.session.store.dispatch({ type: "sound-blocked", blocked });
  }
}

define("tk-sound", Sound);

declare global {
  interface HTMLElementTagNameMap {
    "tk-sound": Sound;
  }
}
