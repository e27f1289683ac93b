// What a peer connection's own statistics say, as far as a lesson needs it.

import type { View } from "./state.ts";

export type Report = ReadonlyMap<string, Record<string, unknown>>;

/** Null while it does not stand. */
export async function statisticsOf(peer: RTCPeerConnection | null): Promise<Report | null> {
  const stands = peer?.connectionState === "connected" || peer?.connectionState === "disconnected";
  return stands ? await peer.getStats() : null;
}

/** Decoded frames of every picture that the server says it is sending us. */
export function movingFrames(report: Report | null, { tracks, streams }: View): Map<string, number> {
  const frames = new Map<string, number>();
  // A hidden page need not decode: its pictures stand still and nothing is wrong.
  if (!report || document.hidden) return frames;
  const byTrack = new Map([...tracks].map(([id, track]) => [track.id, id]));
  for (const one of report.values()) {
    if (one.type !== "inbound-rtp" || one.kind !== "video") continue;
    const id = byTrack.get(String(one.trackIdentifier));
    const sentNow = id !== undefined && (streams.get(id)?.layer ?? -1) >= 0;
    if (id && sentNow) frames.set(id, Number(one.framesDecoded ?? 0));
  }
  return frames;
}
