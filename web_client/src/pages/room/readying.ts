// Between lessons: the room's own check is kept going, and the server is told what it finds.

import { get, post } from "../../api/client.ts";
import type { LineProbe, Readiness, RoomProfile } from "../../api/types.ts";
import { sameReadiness } from "../../lesson/readiness.ts";
import { RoomCheck } from "../../lesson/room_check.ts";

const TELL_EVERY_MS = 10_000; // the server takes it for news three times as long

export class Readying {
  /** What runs now; null in a lesson, and where the server wants none. */
  check: RoomCheck | null = null;
  private profile = "";
  private told: Readiness | null = null;
  private toldAtMs = 0;
  /** Counts what was begun or stopped: an answer to an earlier question is void. */
  private turn = 0;

  constructor(private readonly changed: () => void) {}

  /**
   * Called after each answer while the room waits; `profile` names its hardware. Fails as the network
   * does: the next answer tries again.
   */
  async keep(bearer: string, profile: string, rttMs: number): Promise<void> {
    if (this.profile !== profile) {
      const turn = ++this.turn;
      const { checks_devices: checks, sends } = await get<RoomProfile>("/api/room/profile", { bearer });
      if (turn !== this.turn) return;
      this.stop();
      this.profile = profile;
      if (!checks) return;
      const askProbe = (): Promise<LineProbe> => get<LineProbe>("/api/room/line", { bearer });
      this.check = new RoomCheck(sends, askProbe, this.changed);
      this.check.open();
    }
    if (!this.check) return;
    this.check.rttMs = rttMs;
    await this.tell(bearer, this.check.readiness);
  }

  /** A lesson begins, or the page goes. */
  stop(): void {
    this.turn += 1;
    this.check?.close();
    this.check = null;
    this.profile = "";
    this.told = null;
  }

  private async tell(bearer: string, readiness: Readiness): Promise<void> {
    const now = performance.now();
    if (sameReadiness(readiness, this.told) && now - this.toldAtMs < TELL_EVERY_MS) return;
    await post("/api/room/readiness", readiness, { bearer });
    this.told = readiness;
    this.toldAtMs = now;
  }
}
