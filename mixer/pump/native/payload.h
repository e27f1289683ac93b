/* Owns the reading of payloads, as far as forwarding needs it: where a keyframe starts, which numbers
 * must be rewritten, how large the picture is. VP8: RFC 7741 §4.2. H.264: RFC 6184 §5.6–5.8. Hostile
 * payloads read as "nothing of it"; no byte outside `length` is looked at. */
#ifndef TONGKE_PAYLOAD_H
#define TONGKE_PAYLOAD_H

#include "media.h"

/* NAL unit types and payload structures (H.264 table 7-1, RFC 6184 table 1). */
enum {
  H264_SLICE_FIRST = 1,
  H264_IDR = 5, /* the last of the slices */
  H264_SPS = 7,
  H264_PPS = 8,
  H264_STAP_A = 24,
  H264_FU_A = 28,
};

/* What of H.264 a payload holds, or begins to hold. */
struct h264_units {
  bool has_sps, has_pps; /* parameter sets */
  bool has_slice;        /* of any picture */
  bool starts_idr;       /* the first slice of a picture that needs no other */
};

/* `*size` becomes width and height of the keyframe that begins here, as it has them (RFC 6386 §9.1:
 * two little-endian numbers, the upper two bits of each for scaling); else it stays. */
struct picture vp8_read(const uint8_t *payload, uint16_t length, uint32_t *size);
struct h264_units h264_read(const uint8_t *payload, uint16_t length);
/* What of H.264 ends with a payload. */
struct h264_end {
  bool of_slice; /* of any picture */
  bool is_idr;   /* of one that needs no other */
  bool goes_on;  /* nothing: a fragment that others follow (RFC 6184 §5.8) */
};

struct h264_end h264_end(const uint8_t *payload, uint16_t length);
/* What other pictures have of what a payload (of one byte at least) holds: nal_ref_idc and type (H.264
 * §7.4.1) stand in its first byte, the type within a fragment in its second (RFC 6184 §5.8). */
enum h264_role {
  H264_ROLE_UNREFERENCED, /* nothing */
  H264_ROLE_REFERENCE,    /* a slice, or several units */
  H264_ROLE_IDR,          /* a slice of a picture that needs no other */
  H264_ROLE_OTHER,
};

static inline enum h264_role h264_role(const uint8_t *payload, uint16_t length) {
  if (!(payload[0] & 0x60)) return H264_ROLE_UNREFERENCED;
  int type = payload[0] & 0x1f;
  if (type == H264_FU_A && length > 1) type = payload[1] & 0x1f;
  if (type == H264_IDR) return H264_ROLE_IDR;
  bool is_slice = type >= H264_SLICE_FIRST && type < H264_IDR;
  return is_slice || type == H264_STAP_A ? H264_ROLE_REFERENCE : H264_ROLE_OTHER;
}

/* Whether a stream of this codec may be joined at any packet. */
static inline bool codec_joins_anywhere(enum codec codec) {
  return codec == CODEC_OPAQUE || codec == CODEC_OPUS;
}

#endif
