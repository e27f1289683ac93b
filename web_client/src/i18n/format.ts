// Dates, times, lengths and lists as the current language writes them. All through Intl.

import { currentLanguage } from "./index.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = currentLanguage() + JSON.stringify(options);
  let known = formats.get(key);
  if (!known) {
    known = new Intl.DateTimeFormat(currentLanguage(), options);
    formats.set(key, known);
  }
  return known;
}

const date = (seconds: number): Date => new Date(seconds * 1000);

/** 14:05 */
export function timeOfDay(seconds: number): string {
  return format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(date(seconds));
}

/** 14:05:30 */
export function timeOfReading(seconds: number): string {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
  return format({ ...options, hourCycle: "h23" }).format(date(seconds));
}

/** Sat 21 November */
export function dayOf(seconds: number): string {
  return format({ weekday: "short", month: "long", day: "numeric" }).format(date(seconds));
}

/** 21 Nov 2026, 14:05 */
export function dayAndTime(seconds: number): string {
  const options = { year: "numeric", month: "short", day: "numeric" } as const;
  return format({ ...options, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(
    date(seconds),
  );
}

/** 1:02:03 or 2:03: a running clock, the same in every language. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** 5 minutes ago, in 2 hours: `at` seen from `now`. */
export function relative(at: number, now: number): string {
  const words = new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "auto" });
  const difference = at - now;
  const size = Math.abs(difference);
  if (size < 60) return words.format(Math.round(difference), "second");
  if (size < 3600) return words.format(Math.round(difference / 60), "minute");
  if (size < 86_400) return words.format(Math.round(difference / 3600), "hour");
  return words.format(Math.round(difference / 86_400), "day");
}

/** 42 min: the length of a lesson. */
export function minutes(seconds: number): string {
  const value = Math.max(1, Math.round(seconds / 60));
  return new Intl.NumberFormat(currentLanguage(), {
    style: "unit",
    unit: "minute",
    unitDisplay: "short",
  }).format(value);
}

/** Ann, Bob, and Cem: names in a sentence. */
export function list(items: readonly string[]): string {
  const options = { type: "conjunction", style: "narrow" } as const;
  return new Intl.ListFormat(currentLanguage(), options).format(items);
}

/** Maths · Grade 3: what is known of a thing, in a row; what is empty is left out. */
export function facts(items: readonly string[]): string {
  return items.filter(Boolean).join(" · ");
}

export function number(value: number): string {
  return new Intl.NumberFormat(currentLanguage()).format(value);
}

const units = new Map<string, Intl.NumberFormat>();

function withUnit(value: number, unit: string, digits: number): string {
  const key = `${currentLanguage()} ${unit} ${digits}`;
  let known = units.get(key);
  if (!known) {
    known = new Intl.NumberFormat(currentLanguage(), {
      style: "unit",
      unit,
      unitDisplay: "short",
      maximumFractionDigits: digits,
    });
    units.set(key, known);
  }
  return known.format(value);
}

/** 850 kb/s, 1.25 Mb/s */
export function bitrate(bps: number): string {
  if (bps < 999_500) return `${number(Math.round(bps / 1000))} kb/s`;
  return `${number(Math.round(bps / 10_000) / 100)} Mb/s`;
}

/** 0.4%, 12% */
export function percent(share: number): string {
  const digits = share > 0 && share < 0.1 ? 1 : 0;
  return new Intl.NumberFormat(currentLanguage(), {
    style: "percent",
    maximumFractionDigits: digits,
  }).format(share);
}

/** 0.84 ms, 120 ms */
export function milliseconds(value: number): string {
  return withUnit(value, "millisecond", value < 10 ? 2 : 0);
}

/** 188 MB */
export function megabytes(bytes: number): string {
  return withUnit(bytes / 1e6, "megabyte", 0);
}

/** 12 B, 640 kB, 188 MB, 12.4 GB, 1.8 TB: with two digits at least */
export function bytes(value: number): string {
  if (value < 1000) return `${number(value)} B`; // where Intl says "0 byte"
  const steps = ["kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(value) / 3) - 1);
  const scaled = value / 1000 ** (step + 1);
  return withUnit(scaled, steps[step] ?? "kilobyte", scaled < 100 ? 1 : 0);
}

/** What a fault's code means, in words; one that is not known here is some fault. */
export function faultWords(
  words: Readonly<Record<string, string>> & { readonly other: string },
  code: string,
): string {
  return Object.entries(words).find(([known]) => known === code)?.[1] ?? words.other;
}
