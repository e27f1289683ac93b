// What was deleted in the last days and can still come back.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get, post, wordsOf } from "../../api/client.ts";
import type { Deleted } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { failure } from "../../components/states.ts";
import { base, cards, controls } from "../../design/shared.ts";
import { dayAndTime } from "../../i18n/format.ts";

export class AdminDeleted extends TongkeElement {
  static override styles = [
    base,
    controls,
    cards,
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
    `,
  ];

  @state() private items: readonly Deleted[] | null = null;
  @state() private error: unknown = null;
  @state() private said = "";

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
    const place = this.items?.indexOf(item) ?? -1;
    await this.load();
    // The next in the list is where this one stood; after the last one, the heading.
    this.focusOn(`tr:nth-child(${place + 1}) button`, "tr:last-child button", "h1");
  }

  override render(): TemplateResult {
    const { admin, app } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    if (!this.items) return html`<tk-skeleton rows="3"></tk-skeleton>`;
    return html`<h1 tabindex="-1">${admin.sections.deleted}</h1>
      <p role="status">${this.said}</p>
      <div class="card">
        ${this.items.length === 0
          ? html`<tk-state heading=${admin.nothingDeleted}></tk-state>`
          : html`<table>
              <thead>
                <tr>
                  <th scope="col">${admin.name}</th>
                  <th scope="col">${admin.kind}</th>
                  <th scope="col">${admin.deletedAt}</th>
                  <th scope="col"><span class="visually-hidden">${admin.actions}</span></th>
                </tr>
              </thead>
              <tbody>
                ${this.items.map(
                  (item) =>
                    html`<tr>
                      <td>${item.name || nothing}</td>
                      <td>${admin.kinds[item.kind]}</td>
                      <td>${dayAndTime(item.deleted_at)}</td>
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
