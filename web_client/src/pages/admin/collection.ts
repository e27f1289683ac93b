// What the sections for schools, classrooms, communities and people share: a table that is searched
// and sorted, a form in its place to add or change, and deletion that asks first and can be undone.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { get, patch, post, remove, wordsOf } from "../../api/client.ts";
import { draftAbout } from "../../components/drafts.ts";
import { Form, onEscape } from "../../components/form.ts";
import { failure } from "../../components/states.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import { found, nextOrder, type Order, sorted, type Value } from "./finding.ts";
import { stacked } from "./stacked.ts";
import { finder, moreRows, type Todo, tools, sortable } from "./table_tools.ts";

const ADD = "[data-testid=add]";
const UNDO = ".undo button";
const ROWS_AT_ONCE = 200; // a county has a thousand classrooms; an old PC draws them one by one
const UNDO_SHOWN_MS = 20_000; // afterwards it still stands under "recently deleted"

export interface Item {
  readonly id: string;
}

export type CollectionKind = "schools" | "classrooms" | "communities" | "users";

export abstract class Collection<T extends Item> extends Form {
  static override styles = [
    base,
    controls,
    fields,
    cards,
    tools,
    stacked,
    css`
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 8px 16px;
        margin-bottom: 16px;
      }
      form {
        display: grid;
        gap: 16px;
        max-width: 520px;
        margin-bottom: 24px;
      }
      td form {
        margin: 12px 0;
      }
      .card {
        margin-bottom: 16px;
        padding-bottom: 0;
      }
      .card.table {
        padding: 0;
      }
      tr:last-child td {
        border-bottom: 0;
      }
      td.actions {
        text-align: end;
        white-space: nowrap;
      }
      .undo {
        display: flex;
        align-items: center;
        gap: 12px;
        margin-bottom: 16px;
        padding: 10px 16px;
        border-radius: var(--radius);
        background: var(--accent-ground);
        color: var(--accent-strong);
      }
      .wrong {
        margin-bottom: 12px;
      }
    `,
  ];

  protected abstract readonly kind: CollectionKind;
  /** Loads by itself, again and again. */
  protected readonly polls: boolean = false;
  @state() protected items: readonly T[] | null = null;
  @state() private loadError: unknown = null;
  /** The item that is being changed, "" for a new one, null for none. */
  @state() protected editing: string | null = null;
  @state() private deleting: string | null = null;
  @state() private undo: { id: string; name: string; back: boolean } | null = null;
  @state() private actionError = "";
  @state() private sought = "";
  @state() private order: Order | null = null;
  /** Which of the things to do is looked at. */
  @state() private todo = new URLSearchParams(location.search).get("show") ?? "";
  @state() private drawn = ROWS_AT_ONCE;
  private undoTimer: ReturnType<typeof setTimeout> | undefined;

  /** The form's values for an item, or for a new one. */
  protected abstract valuesOf(item: T | null): Form["values"];
  /** What is sent to the server. */
  protected abstract body(creating: boolean): Record<string, unknown>;
  protected abstract nameOf(item: T): string;
  protected abstract headings(): readonly string[];
  protected abstract cells(item: T): readonly (TemplateResult | string)[];
  /** What each cell is sorted and searched by. */
  protected abstract valuesOfCells(item: T): readonly Value[];
  protected abstract formFields(creating: boolean): TemplateResult;

  /** What of the section still waits to be done. */
  protected todos(): readonly Todo<T>[] {
    return [];
  }

  /** Anything else the section needs besides its own items. */
  protected loadMore(): Promise<void> {
    return Promise.resolve();
  }

  /** More buttons for an item. */
  protected moreActions?(item: T): TemplateResult;

  /** A row below an item. */
  protected below?(item: T): TemplateResult | typeof nothing;

  override connectedCallback(): void {
    super.connectedCallback();
    if (!this.polls) void this.load();
  }

  override disconnectedCallback(): void {
    clearTimeout(this.undoTimer);
    super.disconnectedCallback();
  }

  protected readonly load = async (): Promise<void> => {
    try {
      await this.loadMore();
      this.items = await get<T[]>(`/api/${this.kind}`);
      this.loadError = null;
      this.reopen(this.items);
    } catch (error) {
      this.loadError = error;
    }
  };

  protected override draftOf(): string | null {
    return this.editing;
  }

  /** The session ended while something was being changed: it is open again, as it was typed. */
  private reopen(items: readonly T[]): void {
    const about = draftAbout(this.localName);
    if (about === null || this.editing !== null) return;
    const item = items.find((one) => one.id === about) ?? null;
    if (about !== "" && item === null) return;
    this.edit(item);
    this.takeUpDraft();
  }

  private seek(text: string): void {
    this.sought = text;
    this.drawn = ROWS_AT_ONCE;
  }

  private lookAt(todo: string): void {
    this.todo = this.todo === todo ? "" : todo;
    this.drawn = ROWS_AT_ONCE;
  }

  private showAll(): void {
    this.seek("");
    this.todo = "";
    this.focusOn("input[type=search]");
  }

  /** The rows to show, all of them. */
  private chosen(items: readonly T[], todos: readonly Todo<T>[]): readonly T[] {
    const todo = todos.find((one) => one.id === this.todo);
    const left = todo ? items.filter((item) => todo.waits(item)) : items;
    const values = (item: T): readonly Value[] => this.valuesOfCells(item);
    const rows = sorted(found(left, values, this.sought), values, this.order);
    const { editing } = this; // what is being changed stays in sight
    const edited = editing ? items.find((item) => item.id === editing) : undefined;
    return edited && !rows.includes(edited) ? [edited, ...rows] : rows;
  }

  private edit(item: T | null): void {
    this.reset(this.valuesOf(item));
    this.editing = item?.id ?? "";
    this.deleting = null;
    this.focusOn("form input, form select");
  }

  /** The form or question is gone: the keyboard is back where it was asked for. */
  private back(id: string | null): void {
    this.focusOn(id ? `[data-id="${CSS.escape(id)}"] .edit` : ADD, ADD);
  }

  private cancel(): void {
    const { editing } = this;
    this.editing = null;
    this.back(editing);
  }

  private ask(item: T): void {
    this.deleting = item.id;
    this.focusOn(".least"); // what cannot harm
  }

  private keep(item: T): void {
    this.deleting = null;
    this.focusOn(`[data-id="${CSS.escape(item.id)}"] .delete`);
  }

  protected override async save(): Promise<void> {
    if (this.editing === "") await post(`/api/${this.kind}`, this.body(true));
    else await patch(`/api/${this.kind}/${this.editing ?? ""}`, this.body(false));
    const { editing } = this;
    this.editing = null;
    await this.load();
    this.back(editing);
  }

  private async delete(item: T): Promise<void> {
    this.deleting = null;
    this.actionError = "";
    try {
      await remove(`/api/${this.kind}/${item.id}`);
      this.sayUndo({ id: item.id, name: this.nameOf(item), back: false });
      await this.load();
      this.focusOn(UNDO);
    } catch (error) {
      this.actionError = wordsOf(error, this.m.app.offline);
      this.keep(item);
    }
  }

  private async restore(id: string, name: string): Promise<void> {
    try {
      await post(`/api/deleted/${this.kind}/${id}/restore`);
      this.sayUndo({ id, name, back: true });
      await this.load();
      this.back(id);
    } catch (error) {
      this.actionError = wordsOf(error, this.m.app.offline);
    }
  }

  private sayUndo(undo: { id: string; name: string; back: boolean }): void {
    this.undo = undo;
    clearTimeout(this.undoTimer);
    this.undoTimer = setTimeout(() => {
      const inHand = this.renderRoot.querySelector(`${UNDO}:focus`) !== null;
      if (inHand && this.undo) this.sayUndo(this.undo);
      else this.undo = null;
    }, UNDO_SHOWN_MS);
  }

  // --- drawing --------------------------------------------------------------------------------

  override render(): TemplateResult {
    const { admin, app } = this.m;
    if (this.loadError !== null) return failure(app, this.loadError, () => void this.load());
    if (!this.items) return html`<tk-skeleton rows="4"></tk-skeleton>`;
    return html`<header>
        <h1>${admin.sections[this.kind]}</h1>
        <button class="main" data-testid="add" @click=${() => this.edit(null)}>
          ${icon("plus")}${admin.add[this.kind]}
        </button>
      </header>
      ${this.undoLine()}
      ${this.actionError ? html`<p class="wrong" role="alert">${this.actionError}</p>` : nothing}
      ${this.editing === "" ? html`<div class="card">${this.form(true)}</div>` : nothing}
      ${this.items.length ? this.table(this.items) : this.emptyState()}`;
  }

  private emptyState(): TemplateResult | typeof nothing {
    if (this.editing === "") return nothing;
    const { admin } = this.m;
    return html`<div class="card">
      <tk-state symbol="plus" heading=${admin.sections[this.kind]} text=${admin.empty[this.kind]}>
      </tk-state>
    </div>`;
  }

  private table(items: readonly T[]): TemplateResult {
    const { admin, tables } = this.m;
    const headings = this.headings();
    const todos = this.todos();
    const rows = this.chosen(items, todos);
    return html`${finder({
        words: tables,
        what: admin.sections[this.kind],
        text: this.sought,
        shown: rows.length,
        all: items.length,
        todos: todos.map((todo) => ({
          words: tables.todos[todo.id],
          count: items.filter((item) => todo.waits(item)).length,
          looked: todo.id === this.todo,
          look: () => this.lookAt(todo.id),
        })),
        find: (text) => this.seek(text),
      })}
      <div class="card table scrolls">
        ${rows.length
          ? html`<table class="stacks">
              <thead>
                <tr>
                  ${headings.map((heading, column) =>
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
                ${repeat(
                  rows.slice(0, this.drawn),
                  (item) => item.id,
                  (item) => this.row(item, headings),
                )}
              </tbody>
            </table>`
          : html`<div class="nothing">
              <p>${tables.nothing}</p>
              <button @click=${() => this.showAll()}>${tables.showAll}</button>
            </div>`}
        ${moreRows(tables, rows.length - this.drawn, ROWS_AT_ONCE, () => (this.drawn += ROWS_AT_ONCE))}
      </div>`;
  }

  private row(item: T, headings: readonly string[]): TemplateResult {
    const columns = headings.length + 1;
    if (this.editing === item.id) {
      return html`<tr>
        <td colspan=${columns}>${this.form(false)}</td>
      </tr>`;
    }
    const below = this.below?.(item) ?? nothing;
    return html`<tr data-id=${item.id}>
        ${this.cells(item).map(
          (cell, column) => html`<td data-label=${column ? headings[column] : nothing}>${cell}</td>`,
        )}
        <td class="actions">${this.actions(item)}</td>
      </tr>
      ${below === nothing
        ? nothing
        : html`<tr>
            <td colspan=${columns}>${below}</td>
          </tr>`}`;
  }

  private actions(item: T): TemplateResult {
    const { admin, app } = this.m;
    if (this.deleting === item.id) {
      const sure = admin.deleteSure(this.nameOf(item));
      return html`<span
        role="group"
        aria-label=${sure}
        @keydown=${onEscape(() => this.keep(item))}
        >${sure}
        <button class="alarm slim" @click=${() => void this.delete(item)}>${admin.deleteYes}</button>
        <button class="slim least" aria-description=${sure} @click=${() => this.keep(item)}>
          ${app.cancel}
        </button></span
      >`;
    }
    const name = this.nameOf(item);
    return html`${this.moreActions?.(item) ?? nothing}
      <button
        class="quiet slim edit"
        aria-label="${admin.edit} ${name}"
        @click=${() => this.edit(item)}
      >
        ${icon("edit", 18)}${admin.edit}
      </button>
      <button
        class="quiet slim delete"
        aria-label="${admin.delete} ${name}"
        @click=${() => this.ask(item)}
      >
        ${icon("trash", 18)}
      </button>`;
  }

  private form(creating: boolean): TemplateResult {
    const { app } = this.m;
    return html`<form novalidate @submit=${this.submit} @keydown=${onEscape(() => this.cancel())}>
      ${this.formFields(creating)} ${this.failureLine()}
      <div class="row">
        <button class="main" data-testid="save" aria-disabled=${this.busy ? "true" : "false"}>
          ${this.busy ? app.saving : app.save}
        </button>
        <button type="button" @click=${() => this.cancel()}>${app.cancel}</button>
      </div>
    </form>`;
  }

  private undoLine(): TemplateResult {
    const { undo } = this;
    const { admin } = this.m;
    // The place is there before its words are: only then is what appears in it read out.
    return html`<div role="status">
      ${undo
        ? html`<div class="undo">
            ${undo.back ? admin.restored(undo.name) : admin.deleted(undo.name)}
            ${undo.back
              ? nothing
              : html`<button class="slim" @click=${() => void this.restore(undo.id, undo.name)}>
                  ${admin.undo}
                </button>`}
          </div>`
        : nothing}
    </div>`;
  }
}
