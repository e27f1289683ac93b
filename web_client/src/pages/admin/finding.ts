// Which rows of a table are shown, and in what order. Pure: rows in, rows out.

import { currentLanguage } from "../../i18n/index.ts";

/** What a cell is sorted by, and, if it is text, searched by; null stands last, whichever way. */
export type Value = string | number | null;

export interface Order {
  readonly column: number;
  readonly descending: boolean;
}

/** The order after a heading was pressed: up, down, as the server told them. */
export function nextOrder(order: Order | null, column: number): Order | null {
  if (order?.column !== column) return { column, descending: false };
  return order.descending ? null : { column, descending: true };
}

/** The rows in whose values every word of `text` stands, whatever its width and case. */
export function found<T>(
  rows: readonly T[],
  valuesOf: (row: T) => readonly Value[],
  text: string,
): readonly T[] {
  const words = folded(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const whole = folded(valuesOf(row).filter((value) => typeof value === "string").join(" "));
    return words.every((word) => whole.includes(word));
  });
}

/** The rows by one column: Chinese by its sound, numbers within names by their size. */
export function sorted<T>(
  rows: readonly T[],
  valuesOf: (row: T) => readonly Value[],
  order: Order | null,
): readonly T[] {
  if (!order) return rows;
  const { compare } = new Intl.Collator(currentLanguage(), { numeric: true });
  const way = order.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: valuesOf(row)[order.column] ?? null }))
    .sort((one, other) => {
      if (one.value === null || other.value === null) {
        return Number(one.value === null) - Number(other.value === null);
      }
      if (typeof one.value === "number" && typeof other.value === "number") {
        return way * (one.value - other.value);
      }
      return way * compare(String(one.value), String(other.value));
    })
    .map(({ row }) => row);
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
