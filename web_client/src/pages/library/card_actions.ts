// What can be done with a recording from its card: another title, its files, and its deletion.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get, patch, remove, wordsOf } from "../../api/client.ts";
import type { Recording } from "../../api/types.ts";
import { draftAbout } from "../../components/drafts.ts";
import { define } from "../../components/element.ts";
import { Form, onEscape } from "../../components/form.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import "./downloads.ts";

type Doing = "rename" | "files" | "delete";

export class CardActions extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr); /* what is opened is as wide as the card */
        gap: 8px;
      }
      /* All three in one row of the narrowest card, in English too. */
      .doings {
        gap: 4px;
      }
      .doings button {
        gap: 6px;
        padding: 0 8px;
      }
      form {
        display: grid;
        gap: 8px;
      }
      button.slim {
        min-height: 40px; /* a finger's */
      }
    `,
  ];

  @property({ attribute: false }) recording!: Recording;
  @state() private doing: Doing | null = null;
  /** With its parts, once they are asked for. */
  @state() private whole: Recording | null = null;
  @state() private failed = "";

  private get address(): string {
    return `/api/recordings/${encodeURIComponent(this.recording.id)}`;
  }

  private begin(doing: Doing): void {
    this.failed = "";
    this.doing = this.doing === doing ? null : doing;
    if (this.doing === "rename") {
      this.reset({ title: this.recording.title });
      this.focusOn("input");
    }
    if (this.doing === "delete") this.focusOn(".least"); // what cannot harm
    if (this.doing === "files") void this.loadFiles();
  }

  protected override willUpdate(): void {
    if (this.hasUpdated || draftAbout(this.localName) !== this.recording.id) return;
    this.begin("rename");
    this.takeUpDraft();
  }

  protected override draftOf(): string | null {
    return this.doing === "rename" ? this.recording.id : null;
  }

  /** The keyboard is back where it was asked for. */
  private end(doing: Doing): void {
    this.doing = null;
    this.focusOn(`[data-do=${doing}]`);
  }

  private async loadFiles(): Promise<void> {
    try {
      this.whole = await get<Recording>(this.address);
    } catch (error) {
      this.failed = wordsOf(error, this.m.app.offline);
    }
  }

  protected override wrong(): Partial<Record<string, string>> {
    return this.text("title").trim() ? {} : { title: this.m.app.required };
  }

  protected override async save(): Promise<void> {
    const { title } = await patch<Recording>(this.address, { title: this.text("title").trim() });
    this.tell("renamed", title);
    this.end("rename");
  }

  private async delete(): Promise<void> {
    try {
      await remove(this.address);
      this.tell("deleted", this.recording.title);
    } catch (error) {
      this.failed = wordsOf(error, this.m.app.offline);
      this.end("delete");
    }
  }

  private tell(what: "renamed" | "deleted", title: string): void {
    const options = { detail: title, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent<string>(what, options));
  }

  override render(): TemplateResult | typeof nothing {
    const { recording, m } = this;
    const mine = recording.may.includes("change");
    const ready = recording.state === "ready";
    const over = ready || recording.state === "failed";
    if (!ready && !(mine && over)) return nothing;
    return html`${this.doing === "delete" ? this.question() : this.buttons(mine, ready)}
      ${this.doing === "rename" ? this.renaming() : nothing}
      ${this.doing === "files" && this.whole
        ? html`<tk-downloads .recording=${this.whole}></tk-downloads>`
        : nothing}
      ${this.failed ? html`<p class="wrong" role="alert">${this.failed}</p>` : nothing}
      ${this.doing === "files" && !this.whole && !this.failed
        ? html`<p class="soft small" role="status">${m.app.loading}</p>`
        : nothing}`;
  }

  private buttons(mine: boolean, ready: boolean): TemplateResult {
    const { library, admin } = this.m;
    const button = (doing: Doing, sign: "download" | "edit" | "trash", words: string): TemplateResult =>
      html`<button
        class="quiet slim"
        data-do=${doing}
        aria-expanded=${doing === "delete" ? nothing : this.doing === doing ? "true" : "false"}
        aria-label="${words} ${this.recording.title}"
        @click=${() => this.begin(doing)}
      >
        ${icon(sign, 18)}${words}
      </button>`;
    return html`<div class="row doings">
      ${ready ? button("files", "download", library.download) : nothing}
      ${mine ? button("rename", "edit", library.rename) : nothing}
      ${mine ? button("delete", "trash", admin.delete) : nothing}
    </div>`;
  }

  private renaming(): TemplateResult {
    const { app, library } = this.m;
    return html`<form novalidate @submit=${this.submit} @keydown=${onEscape(() => this.end("rename"))}>
      ${this.field("title", library.newTitle)} ${this.failureLine()}
      <div class="row">
        <button class="main slim" aria-disabled=${this.busy ? "true" : "false"}>
          ${this.busy ? app.saving : app.save}
        </button>
        <button type="button" class="slim" @click=${() => this.end("rename")}>${app.cancel}</button>
      </div>
    </form>`;
  }

  private question(): TemplateResult {
    const { admin, app } = this.m;
    const sure = admin.deleteSure(this.recording.title);
    return html`<div
      class="row"
      role="group"
      aria-label=${sure}
      @keydown=${onEscape(() => this.end("delete"))}
    >
      <span>${sure}</span>
      <button class="alarm slim" data-testid="delete-yes" @click=${() => void this.delete()}>
        ${admin.deleteYes}
      </button>
      <button class="slim least" aria-description=${sure} @click=${() => this.end("delete")}>
        ${app.cancel}
      </button>
    </div>`;
  }
}

define("tk-card-actions", CardActions);
