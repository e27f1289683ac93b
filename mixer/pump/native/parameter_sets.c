/* See parameter_sets.h. */
#include "parameter_sets.h"

#include <string.h>

#include "bytes.h"
#include "payload.h"

#define STAP_A_HEADER 0x78 /* type 24, of the highest importance, as parameter sets are */
#define NOT_FOUND 0
/* An id is an Exp-Golomb number (H.264 §9.1): of an SPS at most 31, of a PPS at most 255. */
#define ID_ZEROS_MAX 8
#define SPS_ID_AT 4 /* behind NAL header, profile, constraints and level */
#define PPS_ID_AT 1
#define IMPOSSIBLE_ID UINT16_MAX

void parameter_sets_init(struct parameter_sets *sets) {
  *sets = (struct parameter_sets){.length = 1, .payload = {STAP_A_HEADER}};
}

static uint8_t type_of(const uint8_t *unit) { return unit[0] & 0x1f; }

/* Reads the number whose first bit is the first of `at`. */
static uint16_t read_id(const uint8_t *at, uint32_t length) {
  uint32_t bits = 0, zeros = 0;
  for (uint32_t i = 0; i < 3; i++) bits = bits << 8 | (i < length ? at[i] : 0);
  while (zeros <= ID_ZEROS_MAX && !(bits >> (23 - zeros) & 1)) zeros++;
  if (zeros > ID_ZEROS_MAX || 2 * zeros + 1 > 8 * length) return IMPOSSIBLE_ID;
  return (uint16_t)((bits >> (23 - 2 * zeros)) - 1);
}

static uint16_t id_of(const uint8_t *unit, uint16_t length) {
  uint16_t at = type_of(unit) == H264_SPS ? SPS_ID_AT : PPS_ID_AT;
  return length > at ? read_id(unit + at, length - at) : IMPOSSIBLE_ID;
}

/* Where the entry (two bytes of length, the unit) of this set begins; NOT_FOUND. */
static uint16_t find(const struct parameter_sets *sets, uint8_t type, uint16_t id) {
  for (uint16_t at = 1; at < sets->length; at = (uint16_t)(at + 2 + read_u16(sets->payload + at))) {
    const uint8_t *unit = sets->payload + at + 2;
    if (type_of(unit) == type && id_of(unit, read_u16(sets->payload + at)) == id) return at;
  }
  return NOT_FOUND;
}

/* Where a set of this type goes: sequence parameter sets stand before those that name them. */
static uint16_t place_for(const struct parameter_sets *sets, uint8_t type) {
  uint16_t at = 1;
  while (at < sets->length &&
         (type == H264_PPS || type_of(sets->payload + at + 2) == H264_SPS))
    at = (uint16_t)(at + 2 + read_u16(sets->payload + at));
  return at;
}

static void cut_out(struct parameter_sets *sets, uint16_t at) {
  uint16_t bytes = (uint16_t)(2 + read_u16(sets->payload + at));
  memmove(sets->payload + at, sets->payload + at + bytes, sets->length - at - bytes);
  sets->length = (uint16_t)(sets->length - bytes);
  sets->count--;
}

static void put_in(struct parameter_sets *sets, uint16_t at, const uint8_t *unit, uint16_t length) {
  memmove(sets->payload + at + 2 + length, sets->payload + at, sets->length - at);
  write_u16(sets->payload + at, length);
  memcpy(sets->payload + at + 2, unit, length);
  sets->length = (uint16_t)(sets->length + 2 + length);
  sets->count++;
}

/* The newest sequence parameter set; there is none if it found no room. */
static void note_sps(struct parameter_sets *sets, uint16_t id) {
  uint16_t at = find(sets, H264_SPS, id);
  sets->changes++;
  sets->sps_at = (uint16_t)(at == NOT_FOUND ? 0 : at + 2);
  sets->sps_length = (uint16_t)(at == NOT_FOUND ? 0 : read_u16(sets->payload + at));
}

static void note_change(struct parameter_sets *sets, uint8_t type, uint16_t id) {
  if (!++sets->version) sets->version = 1;
  if (type == H264_SPS) note_sps(sets, id);
  sets->has_sps = sets->has_pps = false;
  for (uint16_t at = 1; at < sets->length; at = (uint16_t)(at + 2 + read_u16(sets->payload + at))) {
    bool is_sps = type_of(sets->payload + at + 2) == H264_SPS;
    sets->has_sps |= is_sps;
    sets->has_pps |= !is_sps;
  }
}

static void take_unit(struct parameter_sets *sets, const uint8_t *unit, uint16_t length) {
  uint8_t type = type_of(unit);
  if (type != H264_SPS && type != H264_PPS) return;
  uint16_t id = id_of(unit, length);
  if (id == IMPOSSIBLE_ID) return;
  uint16_t known = find(sets, type, id);
  if (known && read_u16(sets->payload + known) == length &&
      !memcmp(sets->payload + known + 2, unit, length))
    return;
  if (known) cut_out(sets, known);
  bool fits = sets->count < PARAMETER_SETS_MAX && sets->length + 2u + length <= sizeof sets->payload;
  if (fits) put_in(sets, place_for(sets, type), unit, length);
  if (known || fits) note_change(sets, type, id);
}

void parameter_sets_take(struct parameter_sets *sets, const uint8_t *payload, uint16_t length,
                         uint64_t sequence) {
  if (!length || sequence < sets->sequence) return;
  sets->sequence = sequence;
  if (type_of(payload) != H264_STAP_A) {
    take_unit(sets, payload, length);
    return;
  }
  for (uint32_t at = 1; at + 3 <= length;) {
    uint16_t size = read_u16(payload + at);
    if (size == 0 || at + 2 + size > length) return;
    take_unit(sets, payload + at + 2, size);
    at += 2 + (uint32_t)size;
  }
}
