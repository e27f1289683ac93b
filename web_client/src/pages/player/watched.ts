// Where each person stopped watching which recording, on this computer. The newest are kept.

const NAME = "tongke.watched";
const MOST = 100;
/** Who stopped so soon, or so near the end, begins at the beginning next time. */
const BEGINNING_S = 10;
const END_S = 15;

/** person, recording, where */
type Place = readonly [string, string, number];

export function placeOf(person: string, recording: string): number | null {
  return places().find(([who, what]) => who === person && what === recording)?.[2] ?? null;
}

export function keepPlace(
  person: string,
  recording: string,
  position: number,
  duration: number,
): void {
  const others = places().filter(([who, what]) => who !== person || what !== recording);
  const begun = position >= BEGINNING_S && position <= duration - END_S;
  const mine: Place[] = begun ? [[person, recording, Math.floor(position)]] : [];
  try {
    localStorage.setItem(NAME, JSON.stringify([...mine, ...others].slice(0, MOST)));
  } catch {
    // full, or not allowed: then it begins at the beginning next time
  }
}

function places(): Place[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(found) ? found.filter(isPlace) : [];
  } catch {
    return [];
  }
}

function isPlace(one: unknown): one is Place {
  if (!Array.isArray(one)) return false;
  const [who, what, where] = one as unknown[];
  return typeof who === "string" && typeof what === "string" && Number.isFinite(where);
}
