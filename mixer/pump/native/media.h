/* Owns the form in which a packet travels inside the pump: what an encoding received, free of its
 * publisher's header, before any consumer's own numbers are put on it. */
#ifndef TONGKE_MEDIA_H
#define TONGKE_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

enum codec { CODEC_OPAQUE, CODEC_VP8, CODEC_H264, CODEC_OPUS, CODEC_COUNT };

/* Whether a keyframe that begins here brings the parameter sets it needs. */
enum sets {
  SETS_THERE,   /* or there is nothing of the kind in this codec, or no keyframe begins here */
  SETS_LACKING, /* it does not: they go in front of it */
  SETS_UNSURE,  /* what came before it is missing: whoever joins here is sent what is kept */
};

/* What a payload's descriptor tells. Places are offsets into the payload; 0 means absent (no
 * descriptor has such a field at its first byte). */
struct picture {
  bool starts_keyframe; /* the first packet of a picture that needs no other */
  uint8_t picture_id_at;
  uint8_t picture_id_bits; /* 7 or 15 */
  uint8_t tl0_index_at;
  uint8_t tl0_index;
  uint8_t sets; /* enum sets */
  uint16_t picture_id;
};

struct media {
  uint64_t sequence; /* extended: never wraps in practice */
  uint32_t timestamp;
  uint16_t payload_length; /* without padding; 0 for a packet of padding alone */
  bool marker;
  bool newest; /* the highest sequence so far, when it came */
  bool is_needless; /* padding; or of a picture that no viewer could show */
  uint8_t audio_level; /* RFC 6464 byte: V bit and −dBov */
  bool has_audio_level;
  bool has_orientation;
  uint8_t orientation; /* 3GPP TS 26.114 coordination of video orientation */
  struct picture picture;
  const uint8_t *payload;
};

#endif
