// Schools, classrooms, devices and people from one file: chosen, looked at, agreed to, and what came
// of it handed out.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ApiError, postFile, wordsOf } from "../../api/client.ts";
import type { Imported, Preview } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { list, number } from "../../i18n/format.ts";
import { currentLanguage } from "../../i18n/index.ts";
import { importWords } from "../../i18n/importing.ts";
import "./import_done.ts";
import "./import_rows.ts";
import { saveCsv } from "./save_file.ts";

// The server's own limits, told before anything is sent.
const MOST_MEGABYTES = 5;
const MOST_ROWS = 5000;

type Count = Preview["counts"][number];
type RightRows = NonNullable<Preview["right"]>;

const language = (): string => (currentLanguage() === "en" ? "en" : "zh");

export class AdminImport extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 16px;
      }
      .card {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 12px;
      }
      .card button {
        white-space: normal;
        text-align: start;
      }
      .card.over {
        border-color: var(--accent);
        background: var(--accent-ground);
      }
      .choose:focus-within {
        outline: 3px solid var(--focus);
        outline-offset: 2px;
      }
      .told {
        display: flex;
        gap: 8px;
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--accent-ground);
        color: var(--accent-strong);
      }
      .told.wrong {
        background: var(--alarm-ground);
        color: var(--alarm);
      }
      .told.warn {
        flex-wrap: wrap;
        align-items: center;
        background: var(--warn-ground);
        color: var(--warn);
      }
      .told svg {
        flex: none;
        margin-top: 2px;
      }
      table.counts {
        width: auto;
        justify-self: start;
      }
      .counts td {
        font-variant-numeric: tabular-nums;
        text-align: end;
      }
      .counts th[scope="row"] {
        color: var(--ink);
        font-size: var(--text);
      }
      .counts thead th {
        text-align: end;
      }
    `,
  ];

  @state() private file: File | null = null;
  @state() private preview: Preview | null = null;
  @state() private done: Imported | null = null;
  /** What was left out of what is done. */
  @state() private leftOut: RightRows | null = null;
  @state() private busy: "" | "looking" | "importing" = "";
  @state() private error = "";
  /** The last confirmation had no answer: nobody here knows whether it was done. */
  @state() private unanswered = false;
  @state() private over = false;

  private readonly chosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    input.value = ""; // the same file, corrected, is chosen again
    if (file) void this.look(file);
  };

  private readonly dropped = (event: DragEvent): void => {
    event.preventDefault();
    this.over = false;
    const [file] = event.dataTransfer?.files ?? [];
    if (file && !this.busy) void this.look(file);
  };

  private readonly dragged = (event: DragEvent): void => {
    event.preventDefault();
    this.over = event.type === "dragover";
  };

  private async look(file: File): Promise<void> {
    this.preview = this.done = this.leftOut = null;
    this.file = file;
    this.error = "";
    this.unanswered = false;
    if (file.size > MOST_MEGABYTES * 2 ** 20) {
      this.error = importWords().tooLarge(MOST_MEGABYTES);
      return;
    }
    this.busy = "looking";
    try {
      this.preview = await postFile<Preview>(
        `/api/admin/import/preview?language=${language()}`,
        file,
      );
      this.focusOn("[data-testid=preview]");
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
    } finally {
      this.busy = "";
    }
  }

  /** Do what was looked at, or what its right rows alone would do. */
  private readonly confirm = async (right: RightRows | null): Promise<void> => {
    const { file, preview } = this;
    if (!file || !preview || this.busy) return;
    this.busy = "importing";
    this.error = "";
    const digest = right?.digest ?? preview.digest;
    try {
      this.done = await postFile<Imported>(
        `/api/admin/import?digest=${digest}&language=${language()}${right ? "&right_rows=true" : ""}`,
        file,
      );
      this.leftOut = right;
      this.preview = null;
      this.focusOn("tk-import-done");
    } catch (error) {
      if (error instanceof ApiError && error.code === "plan-changed") await this.look(file);
      // Whether it was done is not known here. The same again is told what came of it, done once.
      this.unanswered = !(error instanceof ApiError);
      this.error = wordsOf(error, importWords().unanswered);
    } finally {
      this.busy = "";
    }
  };

  override render(): TemplateResult {
    const importing = importWords();
    return html`<h1 tabindex="-1">${importing.title}</h1>
      ${this.done
        ? html`<tk-import-done
              tabindex="-1"
              .imported=${this.done}
              .summary=${this.summary(this.done.counts)}
            ></tk-import-done>
            ${this.leftOut
              ? html`<p class="told warn">
                  ${icon("warning")}<span>${importing.wereLeftOut(this.leftOut.left_out)}</span>
                  ${this.wrongFile(this.leftOut)}
                </p>`
              : nothing}
            <div class="row">
              <button data-testid="another" @click=${() => this.anew()}>
                ${icon("upload")}${importing.another}
              </button>
            </div>`
        : this.choose()}
      <div role="status">
        ${this.busy ? html`<p class="told">${importing[this.busy]}</p>` : nothing}
      </div>
      ${this.error
        ? html`<p class="told wrong" role="alert">${icon("warning")}<span>${this.error}</span></p>`
        : nothing}
      ${this.preview ? this.looked(this.preview) : nothing}`;
  }

  private anew(): void {
    this.done = null;
    this.file = null;
    this.focusOn("input");
  }

  private choose(): TemplateResult {
    const importing = importWords();
    const template = (form: string): string =>
      `/api/admin/import/template.${form}?language=${language()}`;
    return html`<div
      class="card ${this.over ? "over" : ""}"
      @dragover=${this.dragged}
      @dragleave=${this.dragged}
      @drop=${this.dropped}
    >
      <p>${importing.lead}</p>
      <h2>1. ${importing.fill}</h2>
      <div class="row">
        <a class="button" href=${template("xlsx")} download>${icon("download")}${importing.excel}</a>
        <a class="button" href=${template("csv")} download>${icon("download")}${importing.csv}</a>
      </div>
      <p class="soft small">${importing.fillHint}</p>
      <h2>2. ${importing.choose}</h2>
      <div class="row">
        <label class="button choose ${this.preview ? "" : "main"}">
          ${icon("upload")}${this.file ? importing.chooseAnother : importing.choose}
          <input
            class="visually-hidden"
            type="file"
            data-testid="import-file"
            accept=".xlsx,.csv,.txt"
            @change=${this.chosen}
          />
        </label>
      </div>
      <p class="soft small">${importing.limits(MOST_MEGABYTES, number(MOST_ROWS))}</p>
    </div>`;
  }

  private looked(preview: Preview): TemplateResult {
    const importing = importWords();
    const does = preview.counts.some((count) => count.new + count.changed > 0);
    return html`<div class="card" data-testid="preview" tabindex="-1">
      <h2>
        ${importing.file(this.file?.name ?? "", preview.format, importing.rows(preview.rows_read))}
      </h2>
      ${preview.wrong
        ? html`<p class="told wrong" role="alert" data-testid="rows-wrong">
            ${icon("warning")}<span>${importing.wrong(preview.wrong)}</span>
          </p>`
        : nothing}
      ${this.counts(preview.counts)}
      ${preview.unused.length
        ? html`<p class="soft small">${importing.unused(list(preview.unused))}</p>`
        : nothing}
      ${preview.right ? this.rightRows(preview.right) : nothing}
      ${preview.wrong
        ? nothing
        : does
          ? html`<div class="row">
              <button
                class="main"
                data-testid="confirm-import"
                aria-disabled=${this.busy ? "true" : "false"}
                @click=${() => void this.confirm(null)}
              >
                ${icon("check")}${importing.confirm(this.summary(preview.counts))}
              </button>
              ${this.unanswered
                ? nothing
                : html`<span class="soft small">${importing.notYet}</span>`}
            </div>`
          : html`<p class="told">${icon("check")}<span>${importing.nothingToDo}</span></p>`}
      ${preview.rows.length
        ? html`<tk-import-rows .rows=${preview.rows} .leftOut=${preview.left_out}></tk-import-rows>`
        : nothing}
    </div>`;
  }

  /** Some rows are wrong: the others can be imported now, and these mended and imported later. */
  private rightRows(right: RightRows): TemplateResult {
    const importing = importWords();
    return html`<div class="row">
        <button
          data-testid="confirm-right"
          aria-disabled=${this.busy ? "true" : "false"}
          @click=${() => void this.confirm(right)}
        >
          ${icon("check")}${importing.confirmRight(right.rows, right.left_out)}
        </button>
        ${this.wrongFile(right)}
      </div>
      <p class="soft small">${importing.rightMeans(this.summary(right.counts))}</p>`;
  }

  private wrongFile(right: RightRows): TemplateResult {
    const importing = importWords();
    const name = `${(this.file?.name ?? "").replace(/\.[^.]*$/, "")} ${importing.wrongName}`;
    return html`<button
      class="slim"
      data-testid="wrong-rows"
      @click=${() => saveCsv(name.trim(), right.file)}
    >
      ${icon("download", 18)}${importing.wrongFile(right.left_out)}
    </button>`;
  }

  /** What is made and changed, in words: "2 schools, 3 classrooms". */
  private summary(counts: readonly Count[]): string {
    const { counted } = importWords();
    return list(
      counts
        .filter((count) => count.new + count.changed > 0)
        .map((count) => counted[count.thing](count.new + count.changed)),
    );
  }

  private counts(counts: readonly Count[]): TemplateResult {
    const { things, changes } = importWords();
    return html`<table class="counts">
      <thead>
        <tr>
          <td></td>
          <th scope="col">${changes.new}</th>
          <th scope="col">${changes.changed}</th>
          <th scope="col">${changes.same}</th>
        </tr>
      </thead>
      <tbody>
        ${counts.map(
          (count) =>
            html`<tr>
              <th scope="row">${things[count.thing]}</th>
              <td>${number(count.new)}</td>
              <td>${number(count.changed)}</td>
              <td>${number(count.same)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }
}

define("tk-admin-import", AdminImport);

declare global {
  interface HTMLElementTagNameMap {
    "tk-admin-import": AdminImport;
  }
}
