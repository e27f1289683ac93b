// What of a source is sent now: the one place where what our line has room for and what anybody
// needs to see meet. Pure; `publisher.ts` carries it out.

import type { Source } from "../protocol/messages.ts";
import type { PicturesBps } from "./uplink.ts";

// Opus at 20 kb/s is still clear wideband speech (RFC 6716 §2.1.1).
const LEAST_SOUND_BPS = 20_000;
const LEAST_PICTURE_BPS = 30_000; // browsers send no picture with less

export interface Sending {
  readonly source: Source;
  /** What our line has room for in pictures, and how many pictures share it. */
  readonly room: PicturesBps;
  readonly pictures: number;
  /** How many layers anybody needs, from the smallest on. */
  readonly needed: number;
}

/**
 * The encodings as they should be sent now, from those that are set and those of the profile (both
 * smallest first); null when they are set so already.
 */
export function fitted(
  set: readonly RTCRtpEncodingParameters[],
  profile: readonly RTCRtpEncodingParameters[],
  sending: Sending,
): RTCRtpEncodingParameters[] | null {
  const wanted = set.map((encoding, layer) => {
    const { active, most } = limits(layer, profile[layer]?.maxBitrate ?? Infinity, sending);
    const fit = { ...encoding, active, maxBitrate: most };
    if (most === Infinity) delete (fit as RTCRtpEncodingParameters).maxBitrate;
    return fit;
  });
  const same = set.every(
    ({ maxBitrate, active = true }, layer) =>
      maxBitrate === wanted[layer]?.maxBitrate && active === wanted[layer]?.active,
  );
  return same ? null : wanted;
}

function limits(
  layer: number,
  most: number,
  { source, room, pictures, needed }: Sending,
): { active: boolean; most: number } {
  const thin = room < Infinity;
  if (source === "room") return { active: true, most: thin ? Math.min(most, LEAST_SOUND_BPS) : most };
  if (!thin) return { active: layer < needed, most };
  // Of a picture on a thin line one layer, and of that a share.
  const share = Math.max(LEAST_PICTURE_BPS, Math.round(room / Math.max(1, pictures)));
  return { active: room > 0 && layer === 0, most: layer === 0 ? Math.min(most, share) : most };
}
