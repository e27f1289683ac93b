// The rows of a file that are wrong or change something: what stands in each, and what it does.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { ImportRow } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, cards } from "../../design/shared.ts";
import { facts } from "../../i18n/format.ts";
import { said } from "../../i18n/index.ts";
import { importWords } from "../../i18n/importing.ts";

type Column = NonNullable<ImportRow["faults"][number]["column"]>;
type Step = ImportRow["steps"][number];

/** What stands together in one cell of the page. */
const CELLS: readonly (readonly Column[])[] = [
  ["school", "kind"],
  ["classroom", "profile"],
  ["device"],
  ["person", "username", "role"],
];

export class ImportRows extends TongkeElement {
  static override styles = [
    base,
    cards,
    css`
      :host {
        display: grid;
        gap: 8px;
        max-height: 60vh;
        overflow: auto;
        border: 1px solid var(--line);
        border-radius: var(--radius);
      }
      thead th {
        position: sticky;
        top: 0;
        background: var(--surface);
      }
      td {
        min-width: 6em; /* no name in a column of letters: the table scrolls instead */
        vertical-align: top;
      }
      td:last-child {
        min-width: 16em;
      }
      td.number {
        min-width: 0;
        font-variant-numeric: tabular-nums;
        text-align: end;
      }
      td.wrong {
        background: var(--alarm-ground);
      }
      ul {
        display: grid;
        gap: 4px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li.fault {
        display: flex;
        gap: 6px;
        color: var(--alarm);
      }
      li.fault svg {
        flex: none;
        margin-top: 3px;
      }
      p {
        padding: 0 12px 12px;
      }
    `,
  ];

  @property({ attribute: false }) rows: readonly ImportRow[] = [];
  @property({ type: Number }) leftOut = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.tabIndex = 0; // it scrolls: the keyboard must reach it
    this.setAttribute("role", "region");
  }

  override render(): TemplateResult {
    const importing = importWords();
    const headings = [importing.row, ...Object.values(importing.one), importing.what];
    this.setAttribute("aria-label", importing.what);
    return html`<table>
        <thead>
          <tr>
            ${headings.map((heading) => html`<th scope="col">${heading}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${this.rows.map((row) => this.row(row))}
        </tbody>
      </table>
      ${this.leftOut ? html`<p class="soft">${importing.leftOut(this.leftOut)}</p>` : nothing}`;
  }

  private row(row: ImportRow): TemplateResult {
    const wrong = new Set(row.faults.map((fault) => fault.column));
    return html`<tr data-row=${row.number}>
      <td class="number">${row.number}</td>
      ${CELLS.map(
        (columns) =>
          html`<td class=${columns.some((column) => wrong.has(column)) ? "wrong" : ""}>
            ${facts(columns.map((column) => row.cells[column] ?? ""))}
          </td>`,
      )}
      <td>
        <ul>
          ${row.faults.map((fault) => this.fault(fault))}
          ${row.faults.length ? nothing : row.steps.map((step) => this.step(step))}
        </ul>
      </td>
    </tr>`;
  }

  private fault(fault: ImportRow["faults"][number]): TemplateResult {
    const { columns } = importWords();
    const where = fault.column ? `${columns[fault.column]}${importWords().colon}` : "";
    return html`<li class="fault">${icon("warning", 16)}<span>${where}${said(fault)}</span></li>`;
  }

  private step(step: Step): TemplateResult | typeof nothing {
    const importing = importWords();
    if (step.change === "same") return nothing;
    const before = Object.entries(step.before) as [Column, string][];
    return html`<li>
      <span class="badge ${step.change === "new" ? "good" : "warn"}"
        >${importing.changes[step.change]}</span
      >
      ${importing.one[step.thing]}${before.length
        ? html`<span class="soft"
            >${importWords().colon}${facts(
              before.map(([column, was]) =>
                importing.wasBefore(importing.columns[column], this.wasWords(column, was)),
              ),
            )}</span
          >`
        : nothing}
    </li>`;
  }

  /** What stood there before, as the tables of the administration say it. */
  private wasWords(column: Column, was: string): string {
    const { kindWords, roleWords, noSchool } = this.m.admin;
    if (column === "school") return was || noSchool;
    const words: Record<string, string> = { ...kindWords, ...roleWords };
    return (column === "kind" || column === "role" ? words[was] : undefined) ?? was;
  }
}

define("tk-import-rows", ImportRows);

declare global {
  interface HTMLElementTagNameMap {
    "tk-import-rows": ImportRows;
  }
}
