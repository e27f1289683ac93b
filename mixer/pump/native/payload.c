/* See payload.h. */
#include "payload.h"

#include "bytes.h"

enum { H264_IDR = 5, H264_SPS = 7, H264_STAP_A = 24, H264_FU_A = 28 };

static struct picture read_vp8(const uint8_t *payload, uint16_t length) {
  struct picture picture = {0};
  if (length < 1) return picture;
  bool extended = payload[0] & 0x80, starts = payload[0] & 0x10;
  uint8_t partition = payload[0] & 0x0f;
  uint16_t at = 1;
  if (extended) {
    if (length < 2) return picture;
    uint8_t fields = payload[1];
    at = 2;
    if (fields & 0x80) { /* I: picture id of 7 or 15 bits */
      if (at >= length) return picture;
      bool is_long = payload[at] & 0x80;
      if (is_long && at + 1 >= length) return picture;
      picture.picture_id_at = (uint8_t)at;
      picture.picture_id_bits = is_long ? 15 : 7;
      picture.picture_id = is_long ? read_u16(payload + at) & 0x7fff : payload[at];
      at += is_long ? 2 : 1;
    }
    if (fields & 0x40) { /* L: TL0PICIDX */
      if (at >= length) return picture;
      picture.tl0_index_at = (uint8_t)at;
      picture.tl0_index = payload[at++];
    }
    if (fields & 0x30) at++; /* T or K: one byte for both */
  }
  if (at < length && starts && partition == 0) picture.starts_keyframe = !(payload[at] & 1);
  return picture;
}

static bool stap_holds(const uint8_t *payload, uint16_t length, bool first_of_picture) {
  for (uint32_t at = 1; at + 3 <= length;) {
    uint16_t size = read_u16(payload + at);
    if (size == 0 || at + 2 + size > length) return false;
    uint8_t type = payload[at + 2] & 0x1f;
    if (type == H264_SPS || (type == H264_IDR && first_of_picture)) return true;
    at += 2 + (uint32_t)size;
  }
  return false;
}

/* An SPS always starts a keyframe; a bare IDR slice only when nothing of its picture came before
 * (else an SPS or earlier slices stand before it, and joining here would miss them). */
static struct picture read_h264(const uint8_t *payload, uint16_t length, bool first_of_picture) {
  struct picture picture = {0};
  if (length < 2) return picture;
  uint8_t type = payload[0] & 0x1f;
  if (type == H264_STAP_A) {
    picture.starts_keyframe = stap_holds(payload, length, first_of_picture);
    return picture;
  }
  if (type == H264_FU_A) {
    if (!(payload[1] & 0x80)) return picture;
    type = payload[1] & 0x1f;
  }
  picture.starts_keyframe = type == H264_SPS || (type == H264_IDR && first_of_picture);
  return picture;
}

struct picture payload_read(enum codec codec, const uint8_t *payload, uint16_t length,
                            bool first_of_picture) {
  switch (codec) {
    case CODEC_VP8:
      return read_vp8(payload, length);
    case CODEC_H264:
      return read_h264(payload, length, first_of_picture);
    default:
      return (struct picture){0};
  }
}
