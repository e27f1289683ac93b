/* See feedback_reader.h. */
#include "feedback_reader.h"

#include "bytes.h"

enum { HEAD_BYTES = 20 }; /* the common header, two SSRCs, base, count, reference time, counter */
enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA };
enum { IS_VECTOR = 0x8000, HAS_TWO_BITS = 0x4000, RUN_MASK = 0x1fff };
/* A delta's bytes by its packet's status (§3.1.5); there is no status 3. */
static const uint8_t delta_bytes[4] = {0, 1, 2, 0};
enum { NO_STATUS = 3 };

/* §3.1.3, §3.1.4: how many packets a chunk tells of. */
static uint16_t symbols_in(uint16_t chunk) {
  if (!(chunk & IS_VECTOR)) return chunk & RUN_MASK;
  return chunk & HAS_TWO_BITS ? 7 : 14;
}

/* A chunk's symbol, counted from its last one. */
static uint32_t symbol_of(uint16_t chunk, uint16_t place) {
  if (!(chunk & IS_VECTOR)) return chunk >> 13 & 3;
  return chunk & HAS_TWO_BITS ? chunk >> 2 * place & 3 : chunk >> place & 1;
}

/* The bytes of the deltas of a chunk's first `count` symbols; −1 when one is no status. */
static int32_t deltas_of(uint16_t chunk, uint16_t count) {
  uint16_t symbols = symbols_in(chunk);
  int32_t bytes = 0;
  if (!(chunk & IS_VECTOR)) {
    uint32_t symbol = symbol_of(chunk, 0);
    return symbol == NO_STATUS ? -1 : count * delta_bytes[symbol];
  }
  for (uint16_t i = 1; i <= count; i++) {
    uint32_t symbol = symbol_of(chunk, (uint16_t)(symbols - i));
    if (symbol == NO_STATUS) return -1;
    bytes += delta_bytes[symbol];
  }
  return bytes;
}

/* Where the message ends; padding may be of any length (libwebrtc pads by one to three bytes, against
 * RFC 3550 §6.4.1). NULL: more padding than message. */
static const uint8_t *end_of(const struct rtcp_part *part) {
  if (!(part->data[0] & 0x20)) return part->data + part->length;
  uint32_t padding = part->data[part->length - 1];
  if (padding == 0 || padding > part->length - 4) return NULL;
  return part->data + part->length - padding;
}

bool feedback_open(struct feedback_reader *reader, const struct rtcp_part *part) {
  const uint8_t *end = end_of(part), *head = part->data, *at = head + HEAD_BYTES;
  if (!end || end - head < HEAD_BYTES) return false;
  *reader = (struct feedback_reader){
      .base = read_u16(head + 12),
      .count = read_u16(head + 14),
      .reference = read_u32(head + 16) >> 8,
      .chunks = at,
      .left = read_u16(head + 14),
  };
  if (!reader->count) return false;
  int32_t bytes = 0;
  for (uint32_t left = reader->count; left;) {
    if (end - at < 2) return false;
    uint16_t chunk = read_u16(at), symbols = symbols_in(chunk);
    uint16_t count = symbols < left ? symbols : (uint16_t)left;
    int32_t deltas = deltas_of(chunk, count);
    if (!count || deltas < 0) return false;
    at += 2;
    bytes += deltas; /* of 65,535 packets at most: no overflow */
    left -= count;
  }
  reader->deltas = at;
  return end - at >= bytes;
}

bool feedback_next(struct feedback_reader *reader, struct packet_report *report) {
  if (!reader->left) return false;
  if (!reader->left_in_chunk) {
    reader->chunk = read_u16(reader->chunks);
    reader->left_in_chunk = symbols_in(reader->chunk);
    reader->chunks += 2;
  }
  reader->left--;
  uint32_t symbol = symbol_of(reader->chunk, --reader->left_in_chunk);
  *report = (struct packet_report){.arrived = symbol != NOT_RECEIVED};
  if (symbol == SMALL_DELTA) report->delta = reader->deltas[0];
  if (symbol == LARGE_DELTA) report->delta = (int16_t)read_u16(reader->deltas);
  reader->deltas += delta_bytes[symbol];
  return true;
}
