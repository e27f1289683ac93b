// Whether a shared screen shows another page. Pure; the pictures and the time are handed in.
//
// A page was turned when most of the writing and drawing that stood there has changed and what came
// stands still. So a line more on the same page is none, nor typing, a pointer, a menu, a dialogue; nor
// the same text scrolled, which is the old picture moved up or down; and a video is at most one, when
// it has stopped.

/** The pictures' size: fine enough to know scrolled text again, of a screen of 1920 × 1080 a quarter. */
export const PAGE_WIDTH = 480;
export const PAGE_HEIGHT = 270;
const CELL = 10; // a letter of a slide, a word of a document
const COLUMNS = PAGE_WIDTH / CELL;
const ROWS = PAGE_HEIGHT / CELL;

// Measured on pages drawn by a browser: slides bright, dark, with one line, documents, code, and what
// is no page of them.
/** Of 255, a cell's mean difference. A shared screen has no noise; a letter for another makes 10. */
const CHANGED = 6;
/** Of 255, between a cell's darkest and brightest point: there stands something. Text has 100 to 200. */
const CONTRAST = 48;
/** So much of what stood there changes with a page (54 to 100 %), not with a menu or dialogue (37). */
const PAGE_SHARE = 0.5;
/** Beside tools and a list of pages that stay, all that changed lies in a part so large (a dialogue
 * takes a fifth of the screen), and so much of what stood in it has changed. */
const PART_AREA = 0.35;
const PART_SHARE = 0.6;
/** A cell or some are a pointer, a cursor, a clock: the shortest title has twenty. */
const LEAST_CELLS = 8;
/** Moved so far, it matches as well as this against not moved: scrolled text 1 to 58 %, pages over 90. */
const SCROLLED = 0.65;
/** What is scrolled by more than half of what is seen is a page. */
const FARTHEST = 0.5;
/** So much may move on a page that stands: a small moving picture in its corner. */
const MOVING = 0.04;

/** As long as from one look to the next: it stood at both. */
const STILL_S = 0.9;
/** What moved for so long was a video, or somebody looked for something: what then stands, stands
 * longer before it is a page. */
const MOVED_LONG_S = 3;
const STILL_AFTER_MOTION_S = 5;
/** Nobody speaks about a page in less. The server takes no more than one in three seconds. */
const APART_S = 5;

interface Seen {
  readonly picture: Uint8Array;
  readonly since: number;
}

export class PageWatch {
  /** What stood last: the page that is known. */
  private stood: Uint8Array | null = null;
  /** Another page, which may yet move on. */
  private coming: Seen | null = null;
  private movingSince: number | null = null;
  private toldAt = 0;

  /** A picture's brightness; for how many seconds another page has stood by now, or null: none came. */
  look(picture: Uint8Array, nowS: number): number | null {
    if (!this.stood) {
      this.stood = picture;
      this.toldAt = nowS;
      return null;
    }
    if (!isAnotherPage(this.stood, picture)) {
      this.settle(picture);
      return null;
    }
    this.movingSince ??= nowS;
    if (!this.coming || moves(this.coming.picture, picture)) {
      this.coming = { picture, since: nowS };
      return null;
    }
    const { since } = this.coming;
    const long = since - this.movingSince > MOVED_LONG_S;
    const stands = nowS - since >= (long ? STILL_AFTER_MOTION_S : STILL_S);
    if (!stands || nowS - this.toldAt < APART_S) return null;
    this.settle(picture);
    this.toldAt = nowS;
    return nowS - since;
  }

  private settle(picture: Uint8Array): void {
    this.stood = picture;
    this.coming = this.movingSince = null;
  }
}

/** Which cells differ. */
function changed(one: Uint8Array, other: Uint8Array): boolean[] {
  const sums = new Uint32Array(COLUMNS * ROWS);
  for (let y = 0, place = 0; y < PAGE_HEIGHT; y++) {
    const row = Math.floor(y / CELL) * COLUMNS;
    for (let x = 0; x < PAGE_WIDTH; x++, place++) {
      const cell = row + Math.floor(x / CELL);
      sums[cell] = (sums[cell] ?? 0) + Math.abs((one[place] ?? 0) - (other[place] ?? 0));
    }
  }
  return Array.from(sums, (sum) => sum >= CHANGED * CELL * CELL);
}

/** In which cells something stands. */
function marked(picture: Uint8Array): boolean[] {
  const darkest = new Uint8Array(COLUMNS * ROWS).fill(255);
  const brightest = new Uint8Array(COLUMNS * ROWS);
  for (let y = 0, place = 0; y < PAGE_HEIGHT; y++) {
    const row = Math.floor(y / CELL) * COLUMNS;
    for (let x = 0; x < PAGE_WIDTH; x++, place++) {
      const cell = row + Math.floor(x / CELL);
      const luma = picture[place] ?? 0;
      if (luma < (darkest[cell] ?? 0)) darkest[cell] = luma;
      if (luma > (brightest[cell] ?? 0)) brightest[cell] = luma;
    }
  }
  return Array.from(brightest, (most, cell) => most - (darkest[cell] ?? 0) >= CONTRAST);
}

function moves(one: Uint8Array, other: Uint8Array): boolean {
  return count(changed(one, other)) > MOVING * COLUMNS * ROWS;
}

function isAnotherPage(before: Uint8Array, after: Uint8Array): boolean {
  const differs = changed(before, after);
  if (count(differs) < LEAST_CELLS) return false;
  const stood = marked(before);
  // On an empty page nothing could change.
  if (count(stood) < LEAST_CELLS) return count(marked(after)) >= LEAST_CELLS;
  const part = partOf(differs);
  const inPart = stood.map((is, cell) => is && isIn(part, cell));
  const share = (where: boolean[]): number =>
    count(where.map((is, cell) => is && differs[cell] === true)) / Math.max(1, count(where));
  const area = ((part.right - part.left) * (part.bottom - part.top)) / (COLUMNS * ROWS);
  const turned =
    share(stood) >= PAGE_SHARE || (area >= PART_AREA && share(inPart) >= PART_SHARE);
  if (!turned) return false;
  // What is scrolled is still there, for the most part.
  const stands = marked(after).filter((is, cell) => is && isIn(part, cell));
  return stands.length < count(inPart) / 2 || !isScrolled(before, after, part);
}

/** Of the picture, in cells. */
interface Part {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The smallest that holds all these cells. */
function partOf(cells: readonly boolean[]): Part {
  const part = { left: COLUMNS, right: 0, top: ROWS, bottom: 0 };
  cells.forEach((is, cell) => {
    if (!is) return;
    const [x, y] = [cell % COLUMNS, Math.floor(cell / COLUMNS)];
    part.left = Math.min(part.left, x);
    part.right = Math.max(part.right, x + 1);
    part.top = Math.min(part.top, y);
    part.bottom = Math.max(part.bottom, y + 1);
  });
  return part;
}

function isIn({ left, right, top, bottom }: Part, cell: number): boolean {
  const [x, y] = [cell % COLUMNS, Math.floor(cell / COLUMNS)];
  return x >= left && x < right && y >= top && y < bottom;
}

/** Whether this part of the picture is what it was, moved up or down. */
function isScrolled(before: Uint8Array, after: Uint8Array, part: Part): boolean {
  const [top, bottom] = [part.top * CELL, part.bottom * CELL];
  /** How unlike they are, `after` being so many lines higher. Some points of each tell. */
  const unlike = (by: number): number => {
    let sum = 0;
    const from = Math.max(top, top - by);
    const to = Math.min(bottom, bottom - by);
    let lines = 0;
    for (let y = from; y < to; y += 3, lines++) {
      for (let x = part.left * CELL; x < part.right * CELL; x += 8) {
        const place = y * PAGE_WIDTH + x;
        sum += Math.abs((after[place] ?? 0) - (before[place + by * PAGE_WIDTH] ?? 0));
      }
    }
    return sum / lines;
  };
  const unmoved = unlike(0);
  const farthest = Math.floor(FARTHEST * (bottom - top));
  for (let by = 1; by <= farthest; by++) {
    if (unlike(by) < SCROLLED * unmoved || unlike(-by) < SCROLLED * unmoved) return true;
  }
  return false;
}

function count(cells: readonly boolean[]): number {
  return cells.reduce((sum, is) => sum + (is ? 1 : 0), 0);
}
