// What was deleted in the last days and can still come back.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get, post, wordsOf } from "../../api/client.ts";
import type { Deleted } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { failure } from "../../components/states.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { dayAndTime } from "../../i18n/format.ts";
import { found, nextOrder, type Order, sorted, type Value } from "./finding.ts";
import { stacked } from "./stacked.ts";
import { finder, sortable, tools } from "./table_tools.ts";

export class AdminDeleted extends TongkeElement {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    tools,
    stacked,
    css`
      h1 {
        margin-bottom: 16px;
      }
      .card {
        padding: 0;
      }
      td:last-child {
        text-align: end;
      }
      @media (max-width: 600px) {
        td:last-child {
          text-align: start;
        }
      }
    `,
  ];

  @state() private items: readonly Deleted[] | null = null;
  @state() private error: unknown = null;
  @state() private said = "";
  @state() private sought = "";
  @state() private order: Order | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.items = await get<Deleted[]>("/api/deleted");
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  };

  private async restore(item: Deleted): Promise<void> {
    try {
      await post(`/api/deleted/${item.kind}/${item.id}/restore`);
      this.said = this.m.admin.restored(item.name);
    } catch (error) {
      this.said = wordsOf(error, this.m.app.offline);
    }
    const place = this.rows.indexOf(item);
    await this.load();
    // The next in the list is where this one stood; after the last one, the heading.
    this.focusOn(`tr:nth-child(${place + 1}) button`, "tr:last-child button", "h1");
  }

  private readonly valuesOf = (item: Deleted): Value[] => [
    item.name,
    this.m.admin.kinds[item.kind],
    item.deleted_at,
  ];

  private get rows(): readonly Deleted[] {
    const rows = found(this.items ?? [], this.valuesOf, this.sought);
    return sorted(rows, this.valuesOf, this.order);
  }

  override render(): TemplateResult {
    const { admin, app, tables } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    if (!this.items) return html`<tk-skeleton rows="3"></tk-skeleton>`;
    return html`<h1 tabindex="-1">${admin.sections.deleted}</h1>
      <p role="status">${this.said}</p>
      ${this.items.length
        ? finder({
            words: tables,
            what: admin.sections.deleted,
            text: this.sought,
            shown: this.rows.length,
            all: this.items.length,
            todos: [],
            find: (text) => (this.sought = text),
          })
        : nothing}
      <div class="card">
        ${this.items.length === 0
          ? html`<tk-state heading=${admin.nothingDeleted}></tk-state>`
          : html`<table class="stacks">
              <thead>
                <tr>
                  ${[admin.name, admin.kind, admin.deletedAt].map((heading, column) =>
                    sortable(
                      tables,
                      heading,
                      this.order?.column === column ? this.order : null,
                      () => (this.order = nextOrder(this.order, column)),
                    ),
                  )}
                  <th scope="col"><span class="visually-hidden">${admin.actions}</span></th>
                </tr>
              </thead>
              <tbody>
                ${this.rows.map(
                  (item) =>
                    html`<tr>
                      <td>${item.name || nothing}</td>
                      <td data-label=${admin.kind}>${admin.kinds[item.kind]}</td>
                      <td data-label=${admin.deletedAt}>${dayAndTime(item.deleted_at)}</td>
                      <td>
                        <button
                          class="slim"
                          aria-label="${admin.restore} ${item.name}"
                          @click=${() => void this.restore(item)}
                        >
                          ${admin.restore}
                        </button>
                      </td>
                    </tr>`,
                )}
              </tbody>
            </table>`}
      </div>`;
  }
}

define("tk-admin-deleted", AdminDeleted);
