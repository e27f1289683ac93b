// What this device asks the server for: every seat's sound, and each visible picture at its size.
// Pure but for `TileSizes`, which remembers what the tiles on the page report.

import type { LessonStream, SourceState, Want } from "../protocol/messages.ts";
import { lessonProgram, programPicture, programSound } from "./program.ts";
import { type Picture, producerOf } from "./selectors.ts";
import type { View } from "./state.ts";

/** A tile on the page, in device pixels. Higher `priority` keeps its quality on a weak line. */
export interface TileSize {
  readonly picture: Picture | typeof PROGRAM | typeof PROGRAM_ASIDE;
  readonly width: number;
  readonly height: number;
  readonly priority: number;
}

/** The lesson's program, which is no seat's picture. */
export const PROGRAM = "program";
/** The same, looked at by a page that does not take it. */
export const PROGRAM_ASIDE = "program-aside";

export const PRIORITY = { strip: 1, large: 5, sound: 10 } as const;

// Asking anew for every pixel of a dragged window would only make the server change its mind.
const SIZE_STEP_PX = 16;

/** The tiles that are on the page now. */
export class TileSizes {
  private readonly tiles = new Map<object, TileSize>();

  constructor(private readonly changed: () => void) {}

  set(tile: object, size: TileSize): void {
    this.tiles.set(tile, size);
    this.changed();
  }

  delete(tile: object): void {
    if (this.tiles.delete(tile)) this.changed();
  }

  all(): TileSize[] {
    return [...this.tiles.values()];
  }
}

/**
 * The wants that serve `tiles`; `sound` asks for what the other seats say as well, mixed where the
 * program is taken.
 */
export function wantsOf(view: View, tiles: readonly TileSize[], sound: boolean): Want[] {
  const wants = new Map<string, Required<Want>>();
  const mixed = programSound(view);
  if (sound && mixed) {
    const id = mixed.producer_id;
    wants.set(id, { producer_id: id, width: 0, height: 0, priority: PRIORITY.sound });
  } else if (sound) {
    for (const seat of view.seats.values()) {
      if (seat.seat_id === view.me?.seatId) continue;
      for (const source of seat.sources) {
        if (source.kind !== "audio") continue;
        const id = source.producer_id;
        wants.set(id, { producer_id: id, width: 0, height: 0, priority: PRIORITY.sound });
      }
    }
  }
  for (const tile of tiles) {
    if (tile.width < 1 || tile.height < 1) continue;
    const producer = wantedOf(view, tile.picture);
    if (producer?.kind !== "video") continue;
    const known = wants.get(producer.producer_id);
    wants.set(producer.producer_id, {
      producer_id: producer.producer_id,
      width: Math.max(known?.width ?? 0, step(tile.width)),
      height: Math.max(known?.height ?? 0, step(tile.height)),
      priority: Math.max(known?.priority ?? 0, tile.priority),
    });
  }
  return [...wants.values()];
}

function wantedOf(view: View, picture: TileSize["picture"]): SourceState | LessonStream | null {
  if (picture === PROGRAM) return programPicture(view);
  if (picture === PROGRAM_ASIDE) return lessonProgram(view);
  return picture.seatId === view.me?.seatId ? null : producerOf(view, picture);
}

function step(pixels: number): number {
  return Math.min(4320, Math.ceil(pixels / SIZE_STEP_PX) * SIZE_STEP_PX);
}
