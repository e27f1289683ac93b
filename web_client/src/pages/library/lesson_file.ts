// The whole lesson as one file of a kind: asked for, made by the server within minutes, and saved.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get, post, remove, wordsOf } from "../../api/client.ts";
import type { LessonFile as Standing, Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";
import { megabytes, percent } from "../../i18n/format.ts";
import { currentLanguage, said } from "../../i18n/index.ts";
import { recordingWords } from "../../i18n/recordings.ts";

const ASKED_EVERY_MS = 1500; // while it is made

export type FileKind = "tracks" | "film" | "export";

export class LessonFile extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        justify-items: start;
        gap: 8px;
      }
      button {
        white-space: normal;
      }
      progress {
        width: 100%;
        accent-color: var(--accent);
      }
      .wrong {
        color: var(--alarm);
      }
    `,
  ];

  @property({ attribute: false }) recording!: Recording;
  @property() kind: FileKind = "tracks";
  @state() private standing: Standing | null = null;
  @state() private failed = "";
  /** Asked for here: it is saved as soon as it is there. */
  private wanted = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    clearTimeout(this.timer);
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get("recording");
    if (changed.has("recording") && before?.id !== this.recording.id) void this.look();
  }

  private get address(): string {
    const language = currentLanguage() === "en" ? "en" : "zh";
    return `/api/recordings/${encodeURIComponent(this.recording.id)}/file?language=${language}${this.kind === "tracks" ? "" : `&kind=${this.kind}`}`;
  }

  private readonly look = (): Promise<void> => this.ask(() => get<Standing>(this.address));

  private readonly begin = async (): Promise<void> => {
    this.wanted = true;
    await this.ask(() => post<Standing>(this.address));
    this.focusOn("a", ".stop", "button");
  };

  private readonly stop = async (): Promise<void> => {
    this.wanted = false;
    await this.ask(async () => {
      await remove(this.address);
      return get<Standing>(this.address);
    });
    this.focusOn("button");
  };

  private async ask(question: () => Promise<Standing>): Promise<void> {
    clearTimeout(this.timer);
    this.failed = "";
    try {
      this.standing = await question();
    } catch (error) {
      this.failed = wordsOf(error, this.m.app.offline);
    }
    if (!this.isConnected) return;
    // The lesson was given another title, or the server began anew: its file is none any more.
    if (this.standing?.state === "none" && this.wanted && !this.failed) this.askAgain();
    if (this.isBeingMade()) this.timer = setTimeout(() => void this.look(), ASKED_EVERY_MS);
    if (this.standing?.state === "ready" && this.wanted) {
      this.wanted = false;
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLAnchorElement>("a[download]")?.click();
    }
  }

  /** Not at once: it is asked for no more often than it is looked for. */
  private askAgain(): void {
    this.timer = setTimeout(() => void this.ask(() => post<Standing>(this.address)), ASKED_EVERY_MS);
  }

  private get words(): { make: string; hint: string; save: (size: string) => string } {
    const { files } = recordingWords();
    switch (this.kind) {
      case "film":
        return { make: files.makeFilm, hint: files.filmHint, save: files.saveFilm };
      case "export":
        return { make: files.makeExport, hint: files.exportHint, save: files.saveExport };
      case "tracks":
        return { make: files.makeWhole, hint: files.wholeHint, save: files.saveWhole };
    }
  }

  private isBeingMade(): boolean {
    return this.standing?.state === "making" || this.standing?.state === "waiting";
  }

  override render(): TemplateResult {
    const { standing } = this;
    const failure = this.failed || this.whyNot(standing);
    return html`<p class="soft small">${this.words.hint}</p>
      ${this.isBeingMade() ? this.progress() : this.offer()}
      ${failure ? html`<p class="wrong" role="alert">${failure}</p>` : nothing}`;
  }

  /** Why there is none; not while it is about to be asked for again. */
  private whyNot(standing: Standing | null): string {
    if (standing?.state === "failed") return said(standing);
    return standing?.state === "none" && !this.wanted ? said(standing) : "";
  }

  private offer(): TemplateResult {
    const { standing, words } = this;
    const which = this.kind === "tracks" ? "whole" : this.kind;
    if (standing?.state === "ready" && standing.address) {
      return html`<a class="button main" href=${standing.address} download data-testid="save-${which}"
        >${icon("download", 18)}${words.save(megabytes(standing.bytes))}</a
      >`;
    }
    return html`<button class=${this.kind === "film" ? "main" : ""} data-testid="make-${which}" @click=${this.begin}>
      ${icon("download", 18)}${words.make}
    </button>`;
  }

  private progress(): TemplateResult {
    const { standing, m } = this;
    const share = standing?.share ?? 0;
    const waits = standing?.state === "waiting";
    const words = waits ? m.library.wholeWaits : m.library.wholeIsMade(percent(Math.floor(share * 100) / 100));
    return html`<progress aria-label=${words} max="1" .value=${share}></progress>
      <p class="small">${words}</p>
      <button class="slim stop" data-testid="stop-whole" @click=${this.stop}>${m.app.cancel}</button>`;
  }
}

define("tk-lesson-file", LessonFile);
