// Which of the lesson's video codecs this browser can show. Pure, but for asking the browser.
//
// Firefox has H.264 in live lessons only once it has downloaded OpenH264, which a school's firewall
// may prevent; every browser has VP8 (RFC 7742 §5).

import { VIDEO_CODEC_VALUES, type VideoCodec } from "../protocol/messages.ts";

interface Codec {
  readonly mimeType: string;
}

/** All of them when the browser does not say. */
export function shownCodecs(capabilities: readonly Codec[] = browsers()): VideoCodec[] {
  const names = new Set(capabilities.map((codec) => codec.mimeType.toLowerCase()));
  const shown = VIDEO_CODEC_VALUES.filter((name) => names.has(`video/${name.toLowerCase()}`));
  return shown.length ? shown : [...VIDEO_CODEC_VALUES];
}

function browsers(): readonly Codec[] {
  return RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
}
