// What stands around a long table: a field to search it, what is still to be done, headings that
// sort, and a button for the rows that are not drawn yet. Which rows these are is `finding.ts`'.

import { css, html, nothing, type TemplateResult } from "lit";
import { icon } from "../../design/icons.ts";
import { number } from "../../i18n/format.ts";
import type { Messages } from "../../i18n/index.ts";
import type { Order } from "./finding.ts";

type Words = Messages["tables"];
export type TodoId = keyof Words["todos"];

/** Something that waits to be done, and which rows it waits for. */
export interface Todo<T> {
  readonly id: TodoId;
  waits(item: T): boolean;
}

export const tools = css`
  .finder {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
    margin-bottom: 16px;
  }
  .finder input[type="search"] {
    width: min(280px, 100%);
  }
  th button.sort {
    gap: 4px;
    min-height: 32px;
    margin-inline-start: -8px;
    padding: 0 8px;
    border: 0;
    background: transparent;
    color: inherit;
    font-size: inherit;
    font-weight: inherit;
  }
  th[aria-sort] button.sort {
    color: var(--accent-strong);
    font-weight: 600;
  }
  .nothing {
    display: grid;
    justify-items: center;
    gap: 12px;
    padding: 32px 16px;
    color: var(--ink-soft);
  }
  .more {
    display: block;
    margin: 12px auto;
  }
`;

interface Finder {
  readonly words: Words;
  /** What the table holds. */
  readonly what: string;
  readonly text: string;
  readonly shown: number;
  readonly all: number;
  readonly todos: readonly {
    readonly words: string;
    readonly count: number;
    readonly looked: boolean;
    readonly look: () => void;
  }[];
  readonly find: (text: string) => void;
}

/** The line above a table. */
export function finder({ words, what, text, shown, all, todos, find }: Finder): TemplateResult {
  const waiting = todos.filter((todo) => todo.count > 0 || todo.looked);
  return html`<div class="finder">
    <input
      type="search"
      data-testid="search"
      aria-label=${words.searchIn(what)}
      placeholder=${words.search}
      .value=${text}
      @input=${(event: Event) => find((event.target as HTMLInputElement).value)}
    />
    ${waiting.length
      ? html`<span class="soft small" id="todo">${words.todo}</span>
          <span class="row" role="group" aria-labelledby="todo">
            ${waiting.map(
              (todo) =>
                html`<button
                  class="slim"
                  aria-pressed=${todo.looked ? "true" : "false"}
                  @click=${todo.look}
                >
                  ${todo.words} <strong>${number(todo.count)}</strong>
                </button>`,
            )}
          </span>`
      : nothing}
    <span class="soft small" role="status">
      ${shown === all ? nothing : words.found(number(shown), number(all))}
    </span>
  </div>`;
}

/** A heading that sorts: pressed once up, twice down, three times not at all. */
export function sortable(
  words: Words,
  heading: string,
  order: Order | null,
  press: () => void,
): TemplateResult {
  const way = order ? (order.descending ? "descending" : "ascending") : nothing;
  return html`<th scope="col" aria-sort=${way}>
    <button class="sort" aria-label=${words.sortBy(heading)} @click=${press}>
      ${heading}${order ? icon(order.descending ? "sortDown" : "sortUp", 14) : nothing}
    </button>
  </th>`;
}

/** A button for `left` rows that are not drawn. */
export function moreRows(
  words: Words,
  left: number,
  atOnce: number,
  press: () => void,
): TemplateResult | typeof nothing {
  if (left <= 0) return nothing;
  return html`<button class="more" data-testid="more" @click=${press}>
    ${words.more(number(Math.min(left, atOnce)))}
  </button>`;
}
