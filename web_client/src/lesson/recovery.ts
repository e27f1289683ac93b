// When to mend a peer connection, and how hard. Pure: time is handed in.
//
// First leave the browser alone for a moment (it changes networks by itself), then restart ICE,
// and if that does not bring media back, build the connection anew. Waits grow, so that a room
// behind a firewall that lets no media through does not tear at the server.

export type LinkHealth = "connected" | "connecting" | "disconnected" | "failed" | "closed";
export type Remedy = "none" | "restart" | "rebuild";

/**
 * Whether a connection that says it is disconnected is so. Firefox says it as soon as one consent check
 * (RFC 7675) is lost, which on a lossy line is most of the time, while all else goes on: where bytes
 * still come there is nothing to mend, and nothing to tell.
 */
export class Life {
  private received = 0;

  /** How it is, given what it says and the bytes received so far. Call about once a second. */
  update(said: LinkHealth, received: number): LinkHealth {
    const comes = received > this.received;
    this.received = received;
    return said === "disconnected" && comes ? "connected" : said;
  }
}

/** The bytes that have come over a connection, from its statistics. */
export function bytesReceived(report: Iterable<Record<string, unknown>>): number {
  let bytes = 0;
  for (const one of report) {
    if (one.type === "candidate-pair") bytes += Number(one.bytesReceived ?? 0);
  }
  return bytes;
}

const LEAVE_ALONE_S = 2; // Chromium's own checks need about this long to find another way
const FIRST_TRY_S = 8; // ICE and DTLS over a bad line
const LONGEST_WAIT_S = 30;

export class Recovery {
  private since: number | null = null;
  private tries = 0;
  private nextAt = 0;

  /** What to do now, given how the connection is. Call about once a second and on each change. */
  update(health: LinkHealth, now: number): Remedy {
    if (health === "connected") {
      this.reset();
      return "none";
    }
    if (this.since === null) {
      this.since = now;
      this.nextAt = now + (health === "connecting" ? FIRST_TRY_S : LEAVE_ALONE_S);
    }
    if (health === "failed" && this.tries === 0) this.nextAt = Math.min(this.nextAt, now);
    if (now < this.nextAt) return "none";
    this.tries += 1;
    this.nextAt = now + Math.min(LONGEST_WAIT_S, FIRST_TRY_S * 1.5 ** (this.tries - 1));
    return this.tries === 1 ? "restart" : "rebuild";
  }

  reset(): void {
    this.since = null;
    this.tries = 0;
  }
}
