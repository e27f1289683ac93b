// A lesson that is repeated every week: the same time of day on the same day of the week, by the
// calendar, so that a change to summer time moves no lesson. Pure.

export const MOST_WEEKS = 30; // the server's own limit; a school's term has some twenty

/** The times of a lesson, week by week. */
export function weekly(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, week) => {
    const date = new Date(first * 1000);
    date.setDate(date.getDate() + 7 * week);
    return date.getTime() / 1000;
  });
}

/** How many weeks it is until that day (`2027-01-20`), which may be the last one. */
export function weeksUntil(first: number, day: string): number {
  const end = new Date(`${day}T23:59:59`).getTime() / 1000;
  return weekly(first, MOST_WEEKS).filter((at) => at <= end).length;
}

/** The day, as a date field has it. */
export function dayField(at: number): string {
  return momentField(at).slice(0, 10);
}

/** The moment by this computer's clock, as a field for day and time has it. */
export function momentField(at: number): string {
  const date = new Date(at * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What a field for day and time says, in seconds; NaN while it says nothing. */
export function momentOf(field: string): number {
  return new Date(field).getTime() / 1000;
}

/** Of these times the one that is nearest. */
export function nearest(at: number, times: readonly number[]): number {
  return times.reduce((best, one) => (Math.abs(one - at) < Math.abs(best - at) ? one : best), Infinity);
}
