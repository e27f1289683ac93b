// Feeds one media element with a part's pieces (Media Source Extensions): those that are played next,
// and none that are far away. It only says what it needs; `line.ts` decides who loads.

import type { Part } from "../../api/types.ts";
import { beginningOf, fromTheBeginning, type Piece, pieceFor, readPieces } from "./pieces.ts";

/** So far ahead it loads; what is played is kept for so long, for a small step back. */
const AHEAD_S = 30;
const BEHIND_S = 30;
/** With less ahead it needs the line before one that has more. */
const SCARCE_S = 3;
/** Pieces that follow each other are asked for together, up to so much, once there is some ahead. */
const MOST_BYTES = 400_000;
/** A browser let go of what it had been given: it is loaded again. */
const STUCK_MS = 3000;
const SAME_S = 0.15;

/** Something to be loaded; the lowest rank first. `load` gives how many bytes came. */
export interface Need {
  readonly rank: number;
  readonly load: () => Promise<number>;
}

/** Not the managed one of telephones: they play the playlist by themselves. */
function sourceClass(): typeof MediaSource | undefined {
  return (globalThis as { MediaSource?: typeof MediaSource }).MediaSource;
}

/** The part can be played piece by piece here. */
export function playsPieces(part: Part): boolean {
  return part.index_bytes > 0 && sourceClass()?.isTypeSupported(typeOf(part, false)) === true;
}

function typeOf(part: Part, soundAlone: boolean): string {
  return soundAlone ? 'audio/mp4; codecs="opus"' : `video/mp4; codecs="${part.codecs}"`;
}

export class PieceSource {
  /** For the media element. */
  readonly address: string;
  private readonly media: MediaSource;
  private closed = false;
  private flight: AbortController | null = null;
  private buffer: SourceBuffer | null = null;
  /** Of the file: the same for another source of the same part. */
  head: Uint8Array | null = null;
  private pieces: readonly Piece[] = [];
  private readonly loaded = new Set<number>();
  private first = 0; // piece from which on it loads
  private position = 0;
  private loading = new Set<number>();
  private onSettled: (() => void) | null = null;
  private stuckSince: number | null = null;

  constructor(
    private readonly file: string,
    private readonly part: Part,
    readonly soundAlone: boolean,
    private readonly onTrouble: (failed: boolean) => void,
    known: Uint8Array | null = null,
  ) {
    if (known) this.takeHead(known);
    const Source = sourceClass();
    if (!Source) throw new TypeError("this browser has no media sources");
    this.media = new Source();
    this.address = URL.createObjectURL(this.media);
    this.media.addEventListener("sourceopen", () => this.open(), { once: true });
  }

  /** Bits a second of all, and of the sound; null before the index is there. */
  get rates(): { all: number; sound: number } | null {
    const last = this.pieces.at(-1);
    if (!last || last.end <= 0) return null;
    const sum = (of: (piece: Piece) => number): number =>
      (this.pieces.reduce((bytes, piece) => bytes + of(piece), 0) * 8) / last.end;
    return { all: sum((piece) => piece.bytes), sound: sum((piece) => piece.soundBytes) };
  }

  close(): void {
    this.closed = true;
    this.onSettled?.(); // a buffer whose element has another source says nothing any more
    this.flight?.abort();
    URL.revokeObjectURL(this.address);
  }

  /** What is needed to go on at `position` seconds of the part; null: enough is there. */
  need(position: number, large: boolean, buffered: TimeRanges, now: number): Need | null {
    this.position = Math.max(0, position);
    if (!this.head) {
      if (this.loading.size) return null;
      return { rank: large ? 0 : 1, load: () => this.loadHead() };
    }
    if (!this.buffer) return null;
    this.first = this.soundAlone
      ? Math.max(0, this.pieces.findLastIndex((piece) => piece.start <= this.position))
      : pieceFor(this.pieces, this.position);
    this.lookWhetherStuck(buffered, now);
    if (this.loading.size) {
      // Sought elsewhere: what is on its way is not waited for.
      const elsewhere = ![...this.loading].some((at) => at >= this.first && at < this.first + 40);
      if (elsewhere) this.flight?.abort();
      return null;
    }
    let at = this.first;
    while (this.loaded.has(at)) at++;
    const piece = this.pieces[at];
    if (!piece || piece.start - this.position > AHEAD_S) return null;
    const ahead = Math.max(0, piece.start - this.position);
    const rank = (ahead < SCARCE_S ? 2 : 10) + ahead + (large ? 0 : 1.5);
    return { rank, load: () => this.load(at, ahead) };
  }

  private lookWhetherStuck(buffered: TimeRanges, now: number): void {
    const there = [...Array(buffered.length).keys()].some(
      (at) =>
        buffered.start(at) - SAME_S <= this.position && this.position <= buffered.end(at) + SAME_S,
    );
    if (there || !this.loaded.has(this.first)) this.stuckSince = null;
    else this.stuckSince ??= now;
    if (this.stuckSince === null || now - this.stuckSince < STUCK_MS) return;
    this.loaded.clear();
    this.stuckSince = null;
  }

  private open(): void {
    if (this.closed || !this.head || this.buffer) return;
    if (this.media.readyState !== "open") return;
    this.media.duration = this.part.duration_s;
    this.buffer = this.media.addSourceBuffer(typeOf(this.part, this.soundAlone));
    void this.append(beginningOf(this.head, this.soundAlone));
  }

  private async loadHead(): Promise<number> {
    this.loading.add(-1);
    try {
      const head = await this.fetch(0, this.part.index_bytes);
      if (!head) return 0;
      this.takeHead(head);
      this.open();
      return head.length;
    } finally {
      this.loading.delete(-1);
    }
  }

  private takeHead(head: Uint8Array): void {
    this.pieces = readPieces(head);
    this.head = head;
  }

  private async load(first: number, ahead: number): Promise<number> {
    const run: number[] = [];
    let bytes = 0;
    for (let at = first; at < this.pieces.length && !this.loaded.has(at); at++) {
      const piece = this.pieces[at];
      if (!piece || (run.length > 0 && (ahead < SCARCE_S || this.soundAlone))) break;
      if (run.length > 0 && bytes + piece.bytes > MOST_BYTES) break;
      if (piece.start - this.position > AHEAD_S) break;
      run.push(at);
      bytes += piece.bytes;
    }
    const begins = this.pieces[first];
    if (!begins) return 0;
    this.loading = new Set(run);
    try {
      const length = this.soundAlone ? begins.soundBytes : bytes;
      const data = length ? await this.fetch(begins.at, length) : new Uint8Array();
      if (!data) return 0;
      await this.takePieces(run, data);
      return data.length;
    } catch (error) {
      this.onTrouble(true); // the browser took it not: too much, or nothing it can play
      throw error;
    } finally {
      this.loading = new Set();
    }
  }

  private async takePieces(run: readonly number[], data: Uint8Array): Promise<void> {
    const [first] = run;
    const patched = first === 0 && !this.soundAlone;
    const head = patched ? (this.pieces[0]?.bytes ?? 0) : 0;
    if (patched) await this.append(fromTheBeginning(data.subarray(0, head)));
    if (data.length > head) await this.append(data.subarray(head));
    for (const at of run) this.loaded.add(at);
    if (this.loaded.has(this.pieces.length - 1) && this.media.readyState === "open") {
      this.media.endOfStream();
    }
    await this.forgetWhatIsPlayed();
  }

  private async forgetWhatIsPlayed(): Promise<void> {
    const until = this.position - BEHIND_S;
    const gone = [...this.loaded].filter((at) => (this.pieces[at]?.end ?? 0) < until);
    if (gone.length === 0 || !this.buffer || this.isGone()) return;
    for (const at of gone) this.loaded.delete(at);
    this.buffer.remove(0, until);
    await this.settled();
  }

  private isGone(): boolean {
    return this.closed || this.media.readyState === "closed";
  }

  private async append(data: Uint8Array): Promise<void> {
    if (!this.buffer || this.isGone()) return;
    if (this.buffer.updating) await this.settled();
    if (this.isGone()) return;
    this.buffer.appendBuffer(data as BufferSource);
    await this.settled();
  }

  private settled(): Promise<void> {
    const { buffer } = this;
    if (this.closed || !buffer?.updating) return Promise.resolve();
    return new Promise((resolve) => {
      this.onSettled = resolve;
      buffer.addEventListener("updateend", () => resolve(), { once: true });
    });
  }

  /** These bytes of the file; null when they cannot be had now. */
  private async fetch(at: number, bytes: number): Promise<Uint8Array | null> {
    if (this.closed) return null;
    this.flight = new AbortController();
    const { signal } = this.flight;
    try {
      const answer = await fetch(this.file, {
        headers: { range: `bytes=${at}-${at + bytes - 1}` },
        signal,
      });
      if (answer.status !== 206) throw new TypeError(`answered ${answer.status}`);
      const data = new Uint8Array(await answer.arrayBuffer());
      if (data.length !== bytes) throw new TypeError("the answer is cut short");
      this.onTrouble(false);
      return data;
    } catch {
      if (!signal.aborted) this.onTrouble(true);
      return null;
    }
  }
}
