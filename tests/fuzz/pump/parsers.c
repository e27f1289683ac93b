/* Throws hostile bytes at the pump's parsers alone, many more than the whole core could take.
 *
 * Invariant: a parser looks at no byte outside its input (each input is an allocation of its exact
 * size, under AddressSanitizer), and whatever it finds lies inside that input.
 *
 * Usage: parsers rtp|rtcp|feedback|vp8|h264|sets SEED INPUTS. Prints how many were taken and how many
 * refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "feedback_reader.h"
#include "hostile.h"
#include "parameter_sets.h"
#include "payload.h"
#include "rtcp.h"
#include "rtp.h"

enum { ROOM = 1500 };

static uint32_t fill(uint8_t *at, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) at[i] = (uint8_t)any(256);
  return length;
}

/* Inputs: likely beginnings, unlikely rest ------------------------------------------------------ */

static uint32_t make_rtp(uint8_t *out) {
  uint32_t at = fill(out, 12), words = any(any(8) ? 8 : 140);
  out[0] = (uint8_t)(0x80 | (any(4) ? 0x10 : 0) | (any(6) ? 0 : 0x20) | (any(6) ? 0 : any(16)));
  at += fill(out + at, 4 * (out[0] & 0x0fu));
  if (out[0] & 0x10) {
    write_u16(out + at, any(5) ? 0xbede : any(3) ? 0x1000 + any(16) : any(65536));
    write_u16(out + at + 2, (uint16_t)(any(20) ? words : any(65536)));
    at += 4;
    for (uint32_t i = 0; i < 4 * words; i++) out[at + i] = (uint8_t)any(any(2) ? 256 : 40);
    at += 4 * words;
  }
  at += fill(out + at, any(60));
  if (out[0] & 0x20) out[at - 1] = (uint8_t)any(any(3) ? 12 : 256);
  return at;
}

static uint32_t make_rtcp(uint8_t *out) {
  uint32_t at = 0, parts = 1 + any(5);
  for (uint32_t i = 0; i < parts; i++) {
    uint32_t words = any(30);
    fill(out + at, 4 + 4 * words);
    out[at] = (uint8_t)(0x80 | (any(12) ? 0 : 0x20) | any(32));
    out[at + 1] = (uint8_t)(any(9) ? 200 + any(8) : any(256));
    write_u16(out + at + 2, (uint16_t)(any(15) ? words : any(65536)));
    at += 4 + 4 * words;
  }
  return at;
}

/* One message of transport-wide feedback; `try_feedback` gives it its length. */
static uint32_t make_feedback(uint8_t *out) {
  uint32_t chunks = any(any(3) ? 4 : 200), packets = any(40);
  uint32_t at = fill(out, 20);
  for (uint32_t i = 0; i < chunks; i++, at += 2) {
    uint32_t symbols = any(3) ? 1 + any(20) : any(0x2000);
    write_u16(out + at, (uint16_t)(any(3) ? any(3) << 13 | symbols : 0x8000 | any(0x8000)));
    packets += any(4) ? 7 + any(8) : 0;
  }
  out[0] = (uint8_t)(0x80 | (any(5) ? 0 : 0x20) | 15);
  out[1] = 205;
  write_u16(out + 14, (uint16_t)(any(20) ? packets : any(65536)));
  at += fill(out + at, any(any(3) ? 60 : 1000));
  if (out[0] & 0x20) out[at - 1] = (uint8_t)any(any(3) ? 5 : 256);
  return at;
}

static uint32_t make_payload(uint8_t *out) {
  static const uint8_t starts[][6] = {{0x90, 0xe0, 0x80, 1, 2, 0}, {0x10}, {0x90, 0x80, 0x7f},
                                      {0x67}, {0x65}, {0x78, 0, 2, 0x67, 1}, {0x7c, 0x85}, {0x18}};
  uint32_t length = fill(out, any(40));
  if (any(4)) memcpy(out, starts[any(8)], length < 6 ? length : 6);
  return length;
}

/* Some sets, now and then more than are kept, alone or together. */
static uint32_t make_sets(uint8_t *out) {
  uint32_t at = 1, units = any(3) ? 1 + any(3) : any(20);
  for (uint32_t i = 0; i < units && at + 430 < ROOM; i++) {
    uint32_t length = 1 + any(any(6) ? 30 : 400);
    write_u16(out + at, (uint16_t)length);
    fill(out + at + 2, length);
    out[at + 2] = (uint8_t)(0x60 | (any(9) ? 7 + any(2) : any(32)));
    if (any(3)) out[at + 2 + (length > 4 ? 4 : 0)] |= 0x80; /* often the same id */
    at += 2 + length;
  }
  out[0] = 0x78;
  if (any(3) || at < 4) return at;
  memmove(out, out + 3, at - 3);
  return at - 3;
}

/* What must hold: true when the input was taken --------------------------------------------------*/

static bool inside(const uint8_t *at, uint32_t count, const uint8_t *data, uint32_t length) {
  return at >= data && count <= length && (uint32_t)(at - data) <= length - count;
}

static bool try_rtp(const uint8_t *data, uint32_t length) {
  struct extension_ids ids = {.mid = (uint8_t)any(16), .rid = (uint8_t)any(16),
                              .repaired_rid = (uint8_t)any(16), .audio_level = (uint8_t)any(16),
                              .transport_cc = (uint8_t)any(16),
                              .video_orientation = (uint8_t)any(256)};
  struct rtp_packet packet;
  if (!rtp_read(data, length, &ids, &packet)) return false;
  const struct identifier *names[] = {&packet.mid, &packet.rid, &packet.repaired_rid};
  REQUIRE(inside(packet.payload, packet.payload_length, data, length));
  for (int i = 0; i < 3; i++) {
    REQUIRE(names[i]->length <= IDENTIFIER_MAX);
    if (names[i]->length) REQUIRE(inside(names[i]->text, names[i]->length, data, length));
  }
  return true;
}

static bool try_rtcp(const uint8_t *data, uint32_t length) {
  uint32_t at = 0, sum = 0;
  struct rtcp_part part;
  struct sender_report report;
  bool malformed = false;
  while (rtcp_next(data, length, &at, &part, &malformed)) {
    REQUIRE(part.length >= 4 && inside(part.data, part.length, data, length));
    rtcp_read_sender_report(&part, &report);
    if (rtcp_is_nack(&part)) REQUIRE(part.length >= 16);
    sum += part.length;
  }
  REQUIRE(malformed || sum == length);
  if (length >= 8) REQUIRE(rtcp_is_well_formed(data, length) == !malformed);
  return !malformed;
}

static bool try_feedback(const uint8_t *data, uint32_t length) {
  struct feedback_reader reader;
  struct packet_report report;
  struct rtcp_part part = {.type = 205, .count = 15, .data = data, .length = length};
  uint32_t packets = 0;
  if (length < 4 || !feedback_open(&reader, &part)) return false;
  REQUIRE(reader.count && reader.left == reader.count && reader.reference < 1u << 24);
  while (feedback_next(&reader, &report)) {
    REQUIRE(report.delta >= -0x8000 && report.delta <= 0x7fff);
    REQUIRE(report.arrived || !report.delta);
    packets++;
  }
  REQUIRE(packets == reader.count && reader.deltas <= data + length);
  return true;
}

static bool try_vp8(const uint8_t *data, uint32_t length) {
  uint32_t size = 0;
  struct picture picture = vp8_read(data, (uint16_t)length, &size);
  if (picture.picture_id_at)
    REQUIRE(picture.picture_id_at + picture.picture_id_bits / 8u < length);
  if (picture.tl0_index_at) REQUIRE(picture.tl0_index_at < length);
  REQUIRE(!size || picture.starts_keyframe);
  return picture.starts_keyframe || picture.picture_id_at;
}

static bool try_h264(const uint8_t *data, uint32_t length) {
  struct h264_units units = h264_read(data, (uint16_t)length);
  REQUIRE(!units.starts_idr || units.has_slice);
  return units.has_sps || units.has_pps || units.starts_idr;
}

/* One sets' keeper takes all inputs, one after another. */
static bool try_sets(const uint8_t *data, uint32_t length) {
  static struct parameter_sets sets;
  static uint64_t sequence;
  if (any(1000) == 0 || !sets.length) parameter_sets_init(&sets);
  uint32_t changes = sets.version;
  parameter_sets_take(&sets, data, (uint16_t)length, any(9) ? ++sequence : sequence / 2);
  uint32_t at = 1, count = 0;
  bool has[2] = {false, false};
  while (at < sets.length) {
    uint16_t size = read_u16(sets.payload + at);
    REQUIRE(size > 0 && at + 2 + size <= sets.length);
    has[(sets.payload[at + 2] & 0x1f) == H264_PPS] = true;
    at += 2u + size;
    count++;
  }
  REQUIRE(at == sets.length && sets.length <= PARAMETER_SETS_BYTES);
  REQUIRE(count == sets.count && count <= PARAMETER_SETS_MAX);
  REQUIRE(has[0] == sets.has_sps && has[1] == sets.has_pps);
  REQUIRE(sets.sps_at + sets.sps_length <= sets.length);
  if (sets.sps_length) REQUIRE((sets.payload[sets.sps_at] & 0x1f) == H264_SPS);
  return sets.version != changes;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  const char *parser = arguments[1];
  uint64_t inputs = strtoull(arguments[3], NULL, 10), taken = 0;
  state = strtoull(arguments[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
  for (uint64_t i = 0; i < inputs; i++) {
    static uint8_t room[2 * ROOM];
    uint32_t length = parser[0] == 'f'   ? make_feedback(room)
                      : parser[0] == 's' ? make_sets(room)
                      : parser[0] != 'r' ? make_payload(room)
                      : parser[2] == 'p' ? make_rtp(room)
                                         : make_rtcp(room);
    if (any(12) == 0) length = any(length + 1);
    while (length && any(3) == 0) room[any(length)] = (uint8_t)any(256);
    uint8_t *exact = malloc(length ? length : 1);
    memcpy(exact, room, length);
    taken += strcmp(parser, "rtp") == 0        ? try_rtp(exact, length)
             : strcmp(parser, "rtcp") == 0     ? try_rtcp(exact, length)
             : strcmp(parser, "feedback") == 0 ? try_feedback(exact, length)
             : strcmp(parser, "vp8") == 0      ? try_vp8(exact, length)
             : strcmp(parser, "sets") == 0     ? try_sets(exact, length)
                                               : try_h264(exact, length);
    free(exact);
  }
  printf("%llu taken, %llu refused\n", (unsigned long long)taken,
         (unsigned long long)(inputs - taken));
  return 0;
}
