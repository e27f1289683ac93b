// A moment of a recording in its address: `?t=90`, `?t=1h2m3s`, and as people write it by hand, `?t=1:30`.
// Pure.

const PARTS = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/;
const CLOCK = /^(?:(\d+):)?(\d+):([0-5]\d(?:\.\d+)?)$/;

/** Seconds; null when the address names no moment that can be read. */
export function momentIn(search: string): number | null {
  const told = new URLSearchParams(search).get("t")?.trim().toLowerCase();
  const found = told ? (PARTS.exec(told) ?? CLOCK.exec(told)) : null;
  if (!found) return null;
  const [hours, minutes, seconds] = found.slice(1).map((part: string | undefined) => Number(part ?? 0));
  return (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

export function momentWords(position: number): string {
  const whole = Math.max(0, Math.floor(position));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return `${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${whole % 60}s`;
}

export function addressOf(origin: string, recordingId: string, position: number): string {
  return `${origin}/library/${encodeURIComponent(recordingId)}?t=${momentWords(position)}`;
}
