// A part's index: what its file's head says of its pieces (`sidx`, `ssix`: ISO/IEC 14496-12 §8.16).
// Pure: bytes in, numbers out. How the file is made is told in docs/recording.md.

/** What is asked for at once; `start` and `end` in seconds of the part. */
export interface Piece {
  readonly at: number;
  readonly bytes: number;
  /** So many of them, at the beginning, are its sound. */
  readonly soundBytes: number;
  readonly start: number;
  readonly end: number;
  /** It begins with a whole picture: one may begin here. */
  readonly key: boolean;
}

const HEAD_BYTES = 8;
const PICTURE = 1; // number of the track

interface Box {
  readonly kind: string;
  /** With its head. */
  readonly whole: Uint8Array;
  readonly body: DataView;
}

/** The boxes that fill `data`. Throws a `RangeError` where they do not. */
function* boxes(data: Uint8Array): Generator<Box> {
  let at = 0;
  while (at < data.length) {
    const head = view(data.subarray(at, at + HEAD_BYTES));
    const size = head.getUint32(0);
    if (size < HEAD_BYTES || at + size > data.length) throw new RangeError("a box does not fit");
    const whole = data.subarray(at, at + size);
    const kind = String.fromCharCode(...whole.subarray(4, HEAD_BYTES));
    yield { kind, whole, body: view(whole.subarray(HEAD_BYTES)) };
    at += size;
  }
}

/** The pieces of a file with this head. Throws a `RangeError` for a head that is none of ours. */
export function readPieces(head: Uint8Array): readonly Piece[] {
  const sidx = find(head, "sidx");
  if (!sidx) throw new RangeError("there is no index");
  const ssix = find(head, "ssix");
  const rate = sidx.getUint32(8);
  let ticks = Number(sidx.getBigUint64(12));
  let at = head.length;
  const pieces: Piece[] = [];
  for (let number = 0; number < sidx.getUint16(30); number++) {
    const row = 32 + 12 * number;
    const bytes = sidx.getUint32(row);
    const lasts = sidx.getUint32(row + 4);
    pieces.push({
      at,
      bytes,
      soundBytes: ssix ? ssix.getUint32(12 + 12 * number) & 0xff_ffff : 0,
      start: ticks / rate,
      end: (ticks + lasts) / rate,
      key: sidx.getUint32(row + 8) >>> 31 === 1,
    });
    at += bytes;
    ticks += lasts;
  }
  return pieces;
}

/** What a browser is given before the pieces: all tracks, or the sound's alone. */
export function beginningOf(head: Uint8Array, soundAlone: boolean): Uint8Array {
  const out: Uint8Array[] = [];
  for (const box of boxes(head)) {
    if (box.kind === "ftyp") out.push(box.whole);
    if (box.kind !== "moov") continue;
    out.push(soundAlone ? pack("moov", [...withoutPicture(box.whole)]) : box.whole);
  }
  return joined(out);
}

function* withoutPicture(moov: Uint8Array): Generator<Uint8Array> {
  for (const box of boxes(moov.subarray(HEAD_BYTES))) {
    if (box.kind === "trak" && trackOf(box) === PICTURE) continue;
    if (box.kind !== "mvex") {
      yield box.whole;
      continue;
    }
    const kept = [...boxes(box.whole.subarray(HEAD_BYTES))].filter(
      (one) => one.kind === "mehd" || (one.kind === "trex" && one.body.getUint32(4) !== PICTURE),
    );
    yield pack("mvex", kept.map((one) => one.whole));
  }
}

function trackOf(trak: Box): number {
  const tkhd = find(trak.whole.subarray(HEAD_BYTES), "tkhd");
  return tkhd?.getUint32(tkhd.getUint8(0) === 1 ? 20 : 12) ?? 0;
}

/**
 * A first piece whose picture stands from the part's beginning on. Sound usually begins a moment
 * earlier, and a browser plays nothing where either is missing.
 */
export function fromTheBeginning(piece: Uint8Array): Uint8Array {
  const out = piece.slice();
  for (const box of boxes(out)) {
    const traf = box.kind === "moof" ? find(box.whole.subarray(HEAD_BYTES), "traf") : null;
    if (!traf) continue;
    const inner = new Uint8Array(traf.buffer, traf.byteOffset, traf.byteLength);
    const [tfhd, tfdt, trun] = ["tfhd", "tfdt", "trun"].map((kind) => find(inner, kind));
    if (!tfhd || !tfdt || !trun || tfhd.getUint32(4) !== PICTURE) continue;
    const later = Number(tfdt.getBigUint64(4));
    tfdt.setBigUint64(4, 0n);
    trun.setUint32(12, trun.getUint32(12) + later); // how long the first picture lasts
    return out;
  }
  return out;
}

/** The piece from which one must load to see the picture at `position`. */
export function pieceFor(pieces: readonly Piece[], position: number): number {
  let number = pieces.findLastIndex((piece) => piece.start <= position);
  while (number > 0 && !pieces[number]?.key) number--;
  return Math.max(0, number);
}

function find(data: Uint8Array, kind: string): DataView | null {
  for (const box of boxes(data)) if (box.kind === kind) return box.body;
  return null;
}

function view(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function pack(kind: string, content: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const size = content.reduce((sum, one) => sum + one.length, HEAD_BYTES);
  view(head).setUint32(0, size);
  head.set(Array.from(kind, (letter) => letter.charCodeAt(0)), 4);
  return joined([head, ...content]);
}

function joined(all: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(all.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of all) {
    out.set(one, at);
    at += one.length;
  }
  return out;
}
