// Which pictures stand large and which in the strip. Pure; the same rule for every page.
//
// Whoever answers is large for all. Else the lead's layout decides. Inside it, whoever must be seen
// first goes first: the spotlight, the shared screen, whom the lead has put somewhere, the lead, then
// the seats in the lesson's order.

import {
  answeringPicture,
  contentPicture,
  facePicture,
  leadSeat,
  mySeat,
  type Picture,
  sourceOf,
  spotlightPicture,
} from "./selectors.ts";
import type { View } from "./state.ts";
import type { SeatState, Source } from "../protocol/messages.ts";

export interface Stage {
  readonly shape: "large" | "wall";
  readonly large: readonly Picture[];
  /** Small pictures beside the large one; nothing ever lies over it. */
  readonly strip: readonly Picture[];
}

/** What a room (or an observer) sees. */
export function roomStage(view: View): Stage {
  const people = allFaces(view);
  const answer = answerStage(view, people);
  if (answer) return answer;
  if (view.lesson?.layout === "wall") return { shape: "wall", large: people, strip: [] };
  const chosen = chosenStage(view);
  if (chosen) return chosen;
  const content = view.lesson?.layout === "screen" ? contentPicture(view) : null;
  if (content) return arrange(content, spotlightPicture(view) ?? firstPerson(view), people);
  return arrange(largeOf(view, people), null, people);
}

/**
 * The layouts that show some and leave the others out: the same ones on every screen, as in the
 * program (`mixer/composite/arrange.py`). Null where another layout was chosen, or this one waits.
 */
function chosenStage(view: View): Stage | null {
  const people = allFaces({ ...view, me: null });
  const placed = placedPictures(view);
  const first = placed[0] ?? leadFace(view);
  const spotlight = spotlightPicture(view);
  const wall = (...pictures: Picture[]): Stage => ({ shape: "wall", large: pictures, strip: [] });
  switch (view.lesson?.layout) {
    case "lead-and-screen": {
      const content = spotlight && isContent(spotlight) ? spotlight : contentPicture(view);
      const person = firstPerson(view);
      return content && person ? wall(content, person) : null;
    }
    case "spotlight": {
      const alone = largeOf(view, people);
      return { shape: "large", large: alone ? [alone] : [], strip: [] };
    }
    case "dialogue": {
      const teacher = spotlight && placed.length === 0 ? leadFace(view) : null;
      const other = same(teacher, spotlight) ? null : teacher;
      return wall(...unlike([other, spotlight ?? first, ...people]).slice(0, 2));
    }
    case "four": {
      const shown = unlike([spotlight ?? first, ...people]).slice(0, 4);
      return wall(...unlike([...people, ...shown]).filter((one) => includes(shown, one)));
    }
    case "speaker":
    case "wall":
    case "screen":
    case undefined:
      return null;
  }
}

/** Who is large where one is: not oneself under the spotlight, whose pupils look at their teacher. */
function largeOf(view: View, people: readonly Picture[]): Picture | null {
  const chosen = [spotlightPicture(view), placedPictures(view)[0]];
  const others = chosen.find((one) => one && one.seatId !== view.me?.seatId);
  return others ?? leadFace(view) ?? people[0] ?? null;
}

/** The person who stands first by the lead's choice, else the lead. */
function firstPerson(view: View): Picture | null {
  return placedPictures(view).find((picture) => !isContent(picture)) ?? leadFace(view);
}

function leadFace(view: View): Picture | null {
  const lead = leadSeat(view);
  return lead && facePicture(lead);
}

/** What the lead has put somewhere, in that order; one that is not sent is its seat's face. */
function placedPictures(view: View): Picture[] {
  const placed = (view.lesson?.places ?? []).map(({ seat_id, source }) => {
    const seat = view.seats.get(seat_id);
    if (!seat) return null;
    return source && sourceOf(seat, source) ? { seatId: seat_id, source } : facePicture(seat);
  });
  return unlike(placed);
}

/** Each once, in their order. */
function unlike(pictures: readonly (Picture | null)[]): Picture[] {
  const found: Picture[] = [];
  for (const picture of pictures) if (picture && !includes(found, picture)) found.push(picture);
  return found;
}

function includes(pictures: readonly Picture[], picture: Picture): boolean {
  return pictures.some((one) => same(one, picture));
}

function isContent(picture: Picture): boolean {
  return picture.source === "screen" || picture.source === "board";
}

/** Whose picture is the only large one for those who look on: what the others see of this lesson. */
export function largeForOthers(view: View): Picture | null {
  const { shape, large } = roomStage({ ...view, me: null });
  return shape === "large" ? (large[0] ?? null) : null;
}

/**
 * What the lead sees: what stands on the rooms' screens, each picture once, its own small and last.
 * Where the rooms see the lead itself large, they share that place here. `chosen` says which picture
 * of a room is looked at, by seat, unless the rooms see another one large.
 */
export function leadStage(view: View, chosen: ReadonlyMap<string, Source> = new Map()): Stage {
  const me = mySeat(view);
  const own = me ? facePicture(me) : null;
  const { shape, large, strip } = roomStage({ ...view, me: null });
  // Whom the rooms do not see the lead sees all the same: each room stands on the page.
  const left = allFaces({ ...view, me: null }).filter(
    (picture) => !includes([...large, ...strip], picture) && !same(picture, own),
  );
  const others = [...(shape === "wall" ? large : [...strip, ...left])]
    .filter((picture) => !same(picture, own))
    .map((picture) => chosenPicture(view, picture, chosen))
    .filter((picture) => shape === "wall" || !same(picture, large[0] ?? null));
  const mine = own ? [own] : [];
  if (shape === "wall") {
    const small = left.map((picture) => chosenPicture(view, picture, chosen));
    return { shape, large: [...others, ...mine], strip: small };
  }
  if (same(large[0] ?? null, own)) return { shape: "wall", large: others, strip: mine };
  return { shape, large, strip: [...others, ...mine] };
}

function chosenPicture(
  view: View,
  picture: Picture,
  chosen: ReadonlyMap<string, Source>,
): Picture {
  const source = chosen.get(picture.seatId);
  const seat = view.seats.get(picture.seatId);
  const isFace = seat !== undefined && same(picture, facePicture(seat));
  return isFace && source && sourceOf(seat, source) ? { ...picture, source } : picture;
}

/**
 * The floor was given: its holder large, and what was shared stands first beside. A holder goes on
 * seeing what the layout says: its pupils look at who has asked them.
 */
function answerStage(view: View, people: Picture[]): Stage | null {
  const face = answeringPicture(view);
  if (!face || face.seatId === view.me?.seatId) return null;
  const content = view.lesson?.layout === "screen" ? contentPicture(view) : null;
  return content?.seatId === face.seatId
    ? arrange(content, face, people) // it answers by what it shares
    : arrange(face, content, people);
}

/** `large`, then `first` and all others beside it. */
function arrange(large: Picture | null, first: Picture | null, people: Picture[]): Stage {
  const others = people.filter((picture) => !same(picture, large) && !same(picture, first));
  const strip = first && !same(first, large) ? [first, ...others] : others;
  return { shape: "large", large: large ? [large] : [], strip };
}

function allFaces(view: View): Picture[] {
  const placed = placedPictures(view);
  const stand = new Set(placed.map((picture) => picture.seatId));
  const rest = [...view.seats.values()].filter((seat) => takesTile(seat) && !stand.has(seat.seat_id));
  return [...placed, ...ordered(view, rest.map(facePicture))];
}

/** Who is not here takes no room from those who are; but all wait for the lead. */
function takesTile(seat: SeatState): boolean {
  if (seat.role === "observer") return false;
  if (seat.role === "assistant") return seat.sources.length > 0;
  return seat.role === "lead" || seat.present || seat.away_since !== null;
}

/** The lead first, oneself last, else as the lesson has them: nobody jumps about while talking. */
function ordered(view: View, pictures: Picture[]): Picture[] {
  const lead = leadSeat(view)?.seat_id;
  const rank = ({ seatId }: Picture): number => {
    if (seatId === view.me?.seatId) return 2;
    return seatId === lead ? 0 : 1;
  };
  return pictures
    .map((picture, place) => ({ picture, place }))
    .sort((a, b) => rank(a.picture) - rank(b.picture) || a.place - b.place)
    .map(({ picture }) => picture);
}

export function same(one: Picture | null, other: Picture | null): boolean {
  return one?.seatId === other?.seatId && one?.source === other?.source;
}

/** Columns that make `count` tiles of 16:9 largest in a box of the given size. */
export function bestColumns(count: number, width: number, height: number): number {
  let best = 1;
  let bestTile = 0;
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const tile = Math.min(width / columns, (height / rows) * (16 / 9));
    if (tile >= bestTile) {
      bestTile = tile;
      best = columns;
    }
  }
  return best;
}

/** How wide each of `count` tiles of 16:9 is in a box of the given size, `gap` apart. */
export function tileWidth(count: number, width: number, height: number, gap: number): number {
  const columns = bestColumns(count, width, height);
  const rows = Math.ceil(count / columns);
  return Math.min(
    (width - gap * (columns - 1)) / columns,
    (((height - gap * (rows - 1)) / rows) * 16) / 9,
  );
}
