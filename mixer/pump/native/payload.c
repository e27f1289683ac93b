/* See payload.h. */
#include "payload.h"

#include "bytes.h"

#define VP8_SIZE_AT 6 /* in a keyframe: behind its tag and start code */

struct picture vp8_read(const uint8_t *payload, uint16_t length, uint32_t *size) {
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
  if (picture.starts_keyframe && at + VP8_SIZE_AT + 4 <= length)
    *size = read_u32(payload + at + VP8_SIZE_AT);
  return picture;
}

/* The bit after the NAL header is first_mb_in_slice 0, in Exp-Golomb, in a picture's first slice
 * alone (H.264 §7.3.3, §7.4.3). */
static bool is_first_slice(uint8_t after_header) { return after_header & 0x80; }

static void note_unit(struct h264_units *units, uint8_t type, uint8_t after_header) {
  units->has_sps |= type == H264_SPS;
  units->has_pps |= type == H264_PPS;
  units->has_slice |= type >= H264_SLICE_FIRST && type <= H264_IDR;
  units->starts_idr |= type == H264_IDR && is_first_slice(after_header);
}

static void read_stap(const uint8_t *payload, uint16_t length, struct h264_units *units) {
  for (uint32_t at = 1; at + 4 <= length;) {
    uint16_t size = read_u16(payload + at);
    if (size < 2 || at + 2 + size > length) return;
    note_unit(units, payload[at + 2] & 0x1f, payload[at + 3]);
    at += 2 + (uint32_t)size;
  }
}

struct h264_units h264_read(const uint8_t *payload, uint16_t length) {
  struct h264_units units = {0};
  if (length < 2) return units;
  uint8_t type = payload[0] & 0x1f;
  if (type == H264_STAP_A)
    read_stap(payload, length, &units);
  else if (type != H264_FU_A)
    note_unit(&units, type, payload[1]);
  else if (payload[1] & 0x80 && length > 2)
    note_unit(&units, payload[1] & 0x1f, payload[2]);
  else
    units.has_slice = true;
  return units;
}

struct h264_end h264_end(const uint8_t *payload, uint16_t length) {
  if (length < 2) return (struct h264_end){0};
  uint8_t type = payload[0] & 0x1f;
  bool goes_on = type == H264_FU_A && !(payload[1] & 0x40);
  if (type == H264_FU_A) type = payload[1] & 0x1f;
  struct h264_end end = {.goes_on = goes_on, .is_idr = type == H264_IDR};
  end.of_slice = !goes_on && type >= H264_SLICE_FIRST && type <= H264_IDR;
  if (type == H264_STAP_A) {
    struct h264_units units = h264_read(payload, length);
    end.of_slice = units.has_slice;
    end.is_idr = units.starts_idr;
  }
  return end;
}
