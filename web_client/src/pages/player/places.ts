// Where the pictures stand: one large and the others small beside or below it, whichever leaves
// more for the large one, or all of a size. Nothing is ever cut off. Pure; all in CSS pixels.

import { bestColumns } from "../../lesson/stage.ts";

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

type Size = Pick<Box, "width" | "height">;

export interface Places {
  readonly large: Box;
  readonly small: readonly Box[];
}

const GAP = 8;
const SHAPE = 16 / 9;
/** Of the side they stand along: small enough to leave room, large enough to see who it is. */
const SMALL_SHARE = 0.22;
/** Lower ones show nobody: rather a second line of them. */
const LEAST_HEIGHT = 56;
const MOST_LINES = 3;

/** One large picture and `count` small ones. */
export function besideLarge(count: number, width: number, height: number): Places {
  if (count === 0) return { large: centred(width, height), small: [] };
  const right = atTheRight(count, width, height);
  const below = atTheBottom(count, width, height);
  return right.large.width >= below.large.width ? right : below;
}

/** All of a size. */
export function inAWall(count: number, width: number, height: number): Box[] {
  const columns = bestColumns(count, width, height);
  const rows = Math.ceil(count / columns);
  const box = fit((width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows);
  return Array.from({ length: count }, (_, place) => {
    const row = Math.floor(place / columns);
    const inRow = Math.min(columns, count - row * columns);
    return {
      ...box,
      left: (width - line(inRow, box.width)) / 2 + (place % columns) * (box.width + GAP),
      top: (height - line(rows, box.height)) / 2 + row * (box.height + GAP),
    };
  });
}

function atTheRight(count: number, width: number, height: number): Places {
  const { lines, each } = linesFor(count, (inLine) =>
    fit(width * SMALL_SHARE, (height - GAP * (inLine - 1)) / inLine),
  );
  const strip = line(lines, each.width);
  const inLine = Math.ceil(count / lines);
  const large = centred(Math.max(0, width - strip - GAP), height);
  const small = Array.from({ length: count }, (_, place) => ({
    ...each,
    left: width - strip + Math.floor(place / inLine) * (each.width + GAP),
    top: (place % inLine) * (each.height + GAP),
  }));
  return { large, small };
}

function atTheBottom(count: number, width: number, height: number): Places {
  const { lines, each } = linesFor(count, (inLine) =>
    fit((width - GAP * (inLine - 1)) / inLine, height * SMALL_SHARE),
  );
  const strip = line(lines, each.height);
  const inLine = Math.ceil(count / lines);
  const large = centred(width, Math.max(0, height - strip - GAP));
  const small = Array.from({ length: count }, (_, place) => {
    const row = Math.floor(place / inLine);
    const inRow = Math.min(inLine, count - row * inLine);
    return {
      ...each,
      left: (width - line(inRow, each.width)) / 2 + (place % inLine) * (each.width + GAP),
      top: height - strip + row * (each.height + GAP),
    };
  });
  return { large, small };
}

/** As few lines of small pictures as leave each one high enough. */
function linesFor(
  count: number,
  size: (inLine: number) => Size,
): { lines: number; each: Size } {
  for (let lines = 1; ; lines++) {
    const each = size(Math.ceil(count / lines));
    if (each.height >= LEAST_HEIGHT || lines >= Math.min(count, MOST_LINES)) return { lines, each };
  }
}

/** The largest picture that fits. */
function fit(width: number, height: number): Size {
  const wide = Math.max(0, Math.min(width, height * SHAPE));
  return { width: wide, height: wide / SHAPE };
}

/** How long `count` things are in a row. */
function line(count: number, each: number): number {
  return count * each + (count - 1) * GAP;
}

function centred(width: number, height: number): Box {
  const picture = fit(width, height);
  return { ...picture, left: (width - picture.width) / 2, top: (height - picture.height) / 2 };
}
