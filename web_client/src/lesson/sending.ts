// What of a source is sent now: the one place where what our line has room for and what anybody
// needs to see meet. Pure; `publisher.ts` carries it out.

import type { Source, SourceProfile } from "../protocol/messages.ts";
import type { Room } from "./uplink.ts";

// Opus at 20 kb/s is still clear wideband speech (RFC 6716 §2.1.1).
const LEAST_SOUND_BPS = 20_000;

export interface Sending {
  readonly source: Source;
  readonly profile: SourceProfile;
  /** What our line has room for. */
  readonly room: Room;
  /** How many layers anybody needs, from the smallest on. */
  readonly needed: number;
}

/** The encodings (smallest first) as they should be sent now; null when they are already. */
export function fitted(
  encodings: readonly RTCRtpEncodingParameters[],
  sending: Sending,
): RTCRtpEncodingParameters[] | null {
  const wanted = encodings.map((encoding, layer) =>
    sending.source === "room" ? fittedSound(encoding, sending) : fittedLayer(encoding, layer, sending),
  );
  const same = wanted.every(
    (one, layer) =>
      one.maxBitrate === encodings[layer]?.maxBitrate &&
      (one.active ?? true) === (encodings[layer]?.active ?? true),
  );
  return same ? null : wanted;
}

function fittedLayer(
  encoding: RTCRtpEncodingParameters,
  layer: number,
  { room, needed }: Sending,
): RTCRtpEncodingParameters {
  return { ...encoding, active: room !== "sound-alone" && layer < needed };
}

function fittedSound(
  encoding: RTCRtpEncodingParameters,
  { profile, room }: Sending,
): RTCRtpEncodingParameters {
  const most = profile.max_bitrate_bps || Infinity;
  const maxBitrate = room === "all" ? most : Math.min(most, LEAST_SOUND_BPS);
  const wanted = { ...encoding, maxBitrate };
  if (maxBitrate === Infinity) delete (wanted as RTCRtpEncodingParameters).maxBitrate;
  return wanted;
}
