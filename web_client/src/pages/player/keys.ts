// What each key does in the player, and where.

export type KeyAction =
  | { do: "toggle" | "mute" | "fullscreen" | "next-view" | "as-seen" | "program" }
  | { do: "by"; seconds: number }
  | { do: "to"; share: number }
  | { do: "volume"; change: number }
  | { do: "speed"; steps: number };

const ACTIONS: Readonly<Record<string, KeyAction>> = {
  " ": { do: "toggle" },
  k: { do: "toggle" },
  arrowleft: { do: "by", seconds: -5 },
  arrowright: { do: "by", seconds: 5 },
  j: { do: "by", seconds: -10 },
  l: { do: "by", seconds: 10 },
  arrowup: { do: "volume", change: 0.1 },
  arrowdown: { do: "volume", change: -0.1 },
  "[": { do: "speed", steps: -1 },
  "]": { do: "speed", steps: 1 },
  m: { do: "mute" },
  f: { do: "fullscreen" },
  v: { do: "next-view" },
  c: { do: "as-seen" },
  p: { do: "program" },
};

export function keyAction(key: string): KeyAction | null {
  if (/^[0-9]$/.test(key)) return { do: "to", share: Number(key) / 10 };
  return ACTIONS[key.toLowerCase()] ?? null;
}

/** What goes on while its key is held; all else is done once. */
export const REPEATED: ReadonlySet<KeyAction["do"]> = new Set(["by", "volume", "speed"]);

/** Whether this key means something where the keyboard is: the volume has the arrows alone. */
export function takesKey(place: HTMLElement, key: string): boolean {
  if (place instanceof HTMLInputElement && place.type === "range") return key.startsWith("Arrow");
  return /^(INPUT|TEXTAREA|SELECT)$/.test(place.tagName);
}

/** For the list behind "?": each line's keys (␣ is the space bar), and its name. */
export const PLAYER_KEYS = [
  ["␣ K", "space"],
  ["← →", "arrows"],
  ["J L", "jl"],
  ["↑ ↓", "updown"],
  ["0–9", "digits"],
  ["[ ]", "brackets"],
  ["M", "mute"],
  ["F", "full"],
  ["V", "views"],
  ["C", "seen"],
  ["P", "program"],
  ["Esc", "escape"],
] as const;
