// What an import has made: the addresses that are told this once, their file, and what comes next.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Imported } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { dayAndTime, list } from "../../i18n/format.ts";
import { importWords } from "../../i18n/importing.ts";
import { saveCsv } from "./save_file.ts";

const MOST_SHOWN = 100; // the file has them all

export class ImportDone extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    css`
      .card {
        display: grid;
        gap: 12px;
      }
      .once {
        display: grid;
        gap: 12px;
        padding: 16px;
        border: 2px solid var(--accent);
        border-radius: var(--radius);
        background: var(--accent-ground);
      }
      .warn {
        display: flex;
        gap: 8px;
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
      }
      .scroll {
        max-height: 50vh;
        overflow: auto;
        border-radius: var(--radius);
        background: var(--surface);
      }
      code {
        font-size: var(--text-small);
        overflow-wrap: anywhere;
      }
      ul {
        margin: 0;
      }
    `,
  ];

  @property({ attribute: false }) imported!: Imported;
  @property() summary = "";
  @state() private saved = false;

  private readonly onLeave = (event: BeforeUnloadEvent): void => {
    if (this.unsaved()) event.preventDefault();
  };

  /** The application's own links lead away without a new document. */
  private readonly onFollow = (event: MouseEvent): void => {
    const leads = event.composedPath().some((node) => node instanceof HTMLAnchorElement);
    if (!leads || !this.unsaved() || event.ctrlKey || event.metaKey) return;
    if (confirm(importWords().leave)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("beforeunload", this.onLeave);
    addEventListener("click", this.onFollow, { capture: true });
  }

  override disconnectedCallback(): void {
    removeEventListener("beforeunload", this.onLeave);
    removeEventListener("click", this.onFollow, { capture: true });
    super.disconnectedCallback();
  }

  private get addresses(): number {
    return this.imported.devices.length + this.imported.people.length;
  }

  private unsaved(): boolean {
    return this.addresses > 0 && !this.saved;
  }

  private readonly save = (): void => {
    saveCsv(`tongke-${new Date().toISOString().slice(0, 10)}`, this.imported.file);
    this.saved = true;
  };

  override render(): TemplateResult {
    const importing = importWords();
    const { admin, tables } = this.m;
    const next = (section: keyof typeof admin.sections, show: keyof typeof tables.todos) =>
      html`<li>
        <a href="/admin/${section}?show=${show}">${admin.sections[section]}${importing.colon}${tables.todos[show]}</a>
      </li>`;
    return html`<div class="card">
      <h2>${icon("check")} ${importing.done}</h2>
      <p data-testid="imported">${this.summary || importing.doneNothing}</p>
      ${this.addresses ? this.once() : nothing}
      <h3>${importing.next}</h3>
      <ul>
        ${next("schools", "without-community")} ${next("schools", "without-teacher")}
        ${next("classrooms", "without-credential")} ${next("classrooms", "never-seen")}
      </ul>
    </div>`;
  }

  private once(): TemplateResult {
    const importing = importWords();
    const { devices, people, keys_expire_at } = this.imported;
    return html`<div class="once">
      <strong>${importing.once}</strong>
      <div class="row">
        <button class="main" data-testid="download" @click=${this.save}>
          ${icon("download")}${importing.download}
        </button>
        ${this.saved
          ? html`<span class="badge good" role="status"
              >${icon("check", 14)}${importing.downloaded}</span
            >`
          : nothing}
      </div>
      ${this.reach()}
      ${this.table(
        importing.rooms,
        devices.map((one) => [one.school, one.classroom, one.label, one.address]),
        [importing.one.school, importing.one.classroom, importing.one.device],
      )}
      ${this.table(
        importing.people(dayAndTime(keys_expire_at)),
        people.map((one) => [one.school, one.display_name, one.username, one.address]),
        [importing.one.school, importing.columns.person, importing.columns.username],
      )}
    </div>`;
  }

  /** Addresses that others cannot open, or perhaps not, are not handed out without a word. */
  private reach(): TemplateResult | typeof nothing {
    const { admin } = this.m;
    const { reach, other_origins: others } = this.imported;
    if (reach === "others") return nothing;
    const words =
      reach === "this-machine"
        ? admin.reachThisMachine
        : admin.reachUnknownName(location.host, list(others));
    return html`<p class="warn" data-testid="reach-${reach}">${icon("warning")}<span>${words}</span></p>`;
  }

  private table(
    caption: string,
    rows: readonly (readonly string[])[],
    headings: readonly string[],
  ): TemplateResult | typeof nothing {
    if (rows.length === 0) return nothing;
    const importing = importWords();
    return html`<h3>${caption}</h3>
      <div class="scroll" tabindex="0" role="region" aria-label=${caption}>
        <table>
          <thead>
            <tr>
              ${[...headings, importing.address].map(
                (heading) => html`<th scope="col">${heading}</th>`,
              )}
            </tr>
          </thead>
          <tbody>
            ${rows.slice(0, MOST_SHOWN).map(
              (row) =>
                html`<tr>
                  ${row.map((cell, at) =>
                    at < headings.length
                      ? html`<td>${cell}</td>`
                      : html`<td><code>${cell}</code></td>`,
                  )}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${rows.length > MOST_SHOWN
        ? html`<p class="soft small">${importing.inTheFile(rows.length - MOST_SHOWN)}</p>`
        : nothing}`;
  }
}

define("tk-import-done", ImportDone);

declare global {
  interface HTMLElementTagNameMap {
    "tk-import-done": ImportDone;
  }
}
