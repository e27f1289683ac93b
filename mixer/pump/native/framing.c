/* See framing.h. */
#include "framing.h"

#include <string.h>

#include "bytes.h"

static uint32_t take_head(struct deframer *deframer, const uint8_t *bytes, uint32_t count) {
  uint32_t at = 0;
  while (deframer->taken < FRAME_HEAD_BYTES && at < count)
    deframer->frame[deframer->taken++] = bytes[at++];
  if (deframer->taken == FRAME_HEAD_BYTES) deframer->length = read_u16(deframer->frame);
  return at;
}

static uint32_t take_content(struct deframer *deframer, const uint8_t *bytes, uint32_t count) {
  uint32_t place = deframer->taken - FRAME_HEAD_BYTES, missing = deframer->length - place;
  if (count > missing) count = missing;
  if (place < FRAME_KEPT_BYTES) {
    uint32_t room = FRAME_KEPT_BYTES - place;
    memcpy(deframer->frame + place, bytes, count < room ? count : room);
  }
  deframer->taken += count;
  return count;
}

uint32_t deframer_take(struct deframer *deframer, const uint8_t *bytes, uint32_t count,
                       int32_t *whole) {
  uint32_t at = 0;
  *whole = FRAME_PARTIAL;
  if (deframer->taken < FRAME_HEAD_BYTES) at = take_head(deframer, bytes, count);
  if (deframer->taken < FRAME_HEAD_BYTES) return at;
  at += take_content(deframer, bytes + at, count - at);
  if (deframer->taken < FRAME_HEAD_BYTES + deframer->length) return at;
  *whole = (int32_t)deframer->length;
  deframer->taken = 0;
  return at;
}

void frame_write_head(uint8_t *head, uint32_t length) { write_u16(head, (uint16_t)length); }
