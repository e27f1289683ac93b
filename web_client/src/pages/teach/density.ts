// How high the rooms' cards stand beside the stage: as whole as their column has room for.

/** A card with all its words; one with its name and signs in one row; one with its buttons beside
 * them, in words without icons. */
export type Density = "whole" | "low" | "flat";

const WHOLE_PX = 132; // a card with its gap
const LOW_PX = 90;
const BARS_PX = 56 + 64 + 16 + 40 + 44; // what the column does not have for cards
const CHAT_PX = 208;
const ONE_COLUMN_PX = 900; // below this all stands one below the other (`styles.ts`)

/** For this many rooms in a window of this size, beside the chat if that is open. */
export function density(
  cards: number,
  chatOpen: boolean,
  { innerWidth, innerHeight }: Pick<Window, "innerWidth" | "innerHeight">,
): Density {
  if (innerWidth <= ONE_COLUMN_PX) return "whole";
  const room = innerHeight - BARS_PX - (chatOpen ? CHAT_PX : 0);
  if (cards * WHOLE_PX <= room) return "whole";
  return cards * LOW_PX <= room ? "low" : "flat";
}
