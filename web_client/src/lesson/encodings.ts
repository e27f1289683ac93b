// From a send profile to what WebRTC wants: constraints, encodings, codec order. Pure.

import type { Source, SourceProfile } from "../protocol/messages.ts";

/** What a camera shall give. Ideal values: a camera that cannot is still a camera. */
export function videoConstraints(profile: SourceProfile, deviceId: string): MediaTrackConstraints {
  return {
    ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
    ...(profile.width ? { width: { ideal: profile.width } } : {}),
    ...(profile.height ? { height: { ideal: profile.height } } : {}),
    ...(profile.frame_rate ? { frameRate: { ideal: profile.frame_rate } } : {}),
  };
}

/** How a room's sound is taken; without a profile all of the browser's processing is on. */
export function soundConstraints(
  profile: SourceProfile | null,
  deviceId: string,
): MediaTrackConstraints {
  const sound = profile?.sound;
  return {
    ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
    echoCancellation: sound?.echo_cancellation ?? true,
    noiseSuppression: sound?.noise_suppression ?? true,
    autoGainControl: sound?.auto_gain_control ?? true,
    channelCount: sound?.channels ?? 1,
  };
}

/** The constraints of an open track of this profile, whatever its device. */
export function constraintsOf(profile: SourceProfile): MediaTrackConstraints {
  return profile.source === "room"
    ? soundConstraints(profile, "")
    : videoConstraints(profile, "");
}

/** What is captured of a shared screen: text must stay sharp, so size goes before frame rate. */
export function screenConstraints(profile: SourceProfile | null): DisplayMediaStreamOptions {
  return {
    video: {
      width: { max: profile?.width ?? 1920 },
      height: { max: profile?.height ?? 1080 },
      frameRate: { max: profile?.frame_rate ?? 15 },
    },
    audio: false,
  };
}

// Chromium sends no third layer of a picture below 960×540 and no second one below 480×270, and
// what it leaves out is the best one (libwebrtc's simulcast limits).
const MOST_LAYERS = [
  { pixels: 960 * 540, layers: 3 },
  { pixels: 480 * 270, layers: 2 },
  { pixels: 0, layers: 1 },
];

/**
 * The layers for a camera that gives `width` × `height` (0: unknown): one that gives less than the
 * profile asks for sends fewer layers, the best of them its whole picture.
 */
function fitting(profile: SourceProfile, width: number, height: number): SourceProfile["encodings"] {
  const { encodings } = profile;
  const most = MOST_LAYERS.find(({ pixels }) => width * height >= pixels)?.layers ?? 1;
  if (width * height === 0 || most >= encodings.length) return encodings;
  const kept = encodings.slice(0, most);
  const best = Math.min(...kept.map((layer) => layer.scale_down_by));
  return kept.map((layer) => ({ ...layer, scale_down_by: layer.scale_down_by / best }));
}

/** The simulcast layers, smallest first as the profile has them; the camera gives `size`. */
export function sendEncodings(
  profile: SourceProfile,
  size: { width?: number; height?: number } = {},
): RTCRtpEncodingParameters[] {
  if (profile.source === "room") {
    const encoding: RTCRtpEncodingParameters = { priority: "high", networkPriority: "high" };
    if (profile.max_bitrate_bps) encoding.maxBitrate = profile.max_bitrate_bps;
    return [encoding];
  }
  const encodings = fitting(profile, size.width ?? 0, size.height ?? 0);
  const layers = encodings.map((layer) => ({
    rid: layer.rid,
    scaleResolutionDownBy: layer.scale_down_by,
    maxBitrate: layer.max_bitrate_bps,
    maxFramerate: layer.max_frame_rate,
  }));
  if (layers.length > 1) return layers;
  // One layer is no simulcast: no RID on the wire, which every peer understands.
  return layers.map(({ scaleResolutionDownBy, maxBitrate, maxFramerate }) => ({
    scaleResolutionDownBy,
    maxBitrate,
    maxFramerate,
  }));
}

interface Codec {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string;
}

/**
 * The codecs to offer, best first, then what carries repairs: H.264 and VP8, or VP8 alone, as a
 * server takes H.264 where it is offered. H.264 only as constrained baseline with packetization
 * mode 1 (RFC 6184): everything else is not decoded everywhere.
 */
export function codecOrder<C extends Codec>(codecs: readonly C[], preferred: string): C[] {
  const names = preferred.toUpperCase() === "VP8" ? ["VP8"] : ["H264", "VP8"];
  const chosen = names.flatMap((name) =>
    codecs.filter((codec) => is(codec, name) && (name !== "H264" || isBaseline(codec))),
  );
  const repairs = codecs.filter((codec) => is(codec, "rtx"));
  return chosen.length ? [...chosen, ...repairs] : [];
}

function is(codec: Codec, name: string): boolean {
  return codec.mimeType.toLowerCase() === `video/${name.toLowerCase()}`;
}

function isBaseline(codec: Codec): boolean {
  const line = codec.sdpFmtpLine ?? "";
  return line.includes("packetization-mode=1") && /profile-level-id=42e0/i.test(line);
}

/** What the encoder should keep when it cannot keep all. */
export function contentHint(source: Source): string {
  if (source === "room") return "speech";
  return source === "screen" || source === "board" ? "detail" : "motion";
}

/**
 * A description whose Opus lines ask for repairs, which browsers do not offer by themselves but
 * give when asked: in-band error correction (RFC 7587 §6.1), which a sender only adds when the
 * receiver's description says it is used, and retransmission (RFC 4585), which carries speech
 * over heavier loss.
 */
export function withOpusRepairs(sdp: string): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000/im.exec(sdp)?.[1];
  if (!payload) return sdp;
  const fmtp = `a=fmtp:${payload} `;
  const nack = `a=rtcp-fb:${payload} nack`;
  const lines = sdp.split("\r\n");
  const has = lines.some((line) => line.startsWith(fmtp));
  const hasNack = lines.includes(nack);
  const asked = lines.flatMap((line) => {
    if (line.startsWith(fmtp)) {
      return line.includes("useinbandfec") ? line : `${line};useinbandfec=1`;
    }
    if (!line.startsWith(`a=rtpmap:${payload} `)) return line;
    const more = hasNack ? [] : [nack];
    return has ? [line, ...more] : [line, ...more, `${fmtp}minptime=10;useinbandfec=1`];
  });
  return asked.join("\r\n");
}
