// How long to wait before the next attempt to reach the server. Pure: randomness is handed in.
//
// Exponential with full jitter, so that forty classrooms that lost one server at the same moment
// do not come back at the same moment.

const GROWTH = 1.5; // gentle: a server that restarts in three seconds finds its rooms within five
const FIRST_DELAY_MS = 300; // below what a person notices as "it is gone"
const LONGEST_DELAY_MS = 5000; // a room must be back within seconds of the server's return

/** Delay before attempt number `attempt` (from 0), `random` in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * GROWTH ** Math.min(attempt, 20));
  return Math.round(FIRST_DELAY_MS + (ceiling - FIRST_DELAY_MS) * random);
}
