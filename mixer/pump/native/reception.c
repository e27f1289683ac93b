/* See reception.h. */
#include "reception.h"

#include <string.h>

/* A forward jump of this many or more is a restart or a lie (RFC 3550 MAX_DROPOUT). */
#define JUMP_MAX 3000
#define NO_SUSPECT UINT32_MAX

static void mark(struct reception *reception, uint64_t sequence) {
  reception->seen[sequence % RECEPTION_WINDOW / 64] |= UINT64_C(1) << sequence % 64;
}

static bool marked(const struct reception *reception, uint64_t sequence) {
  return reception->seen[sequence % RECEPTION_WINDOW / 64] >> sequence % 64 & 1;
}

static void start_at(struct reception *reception, uint64_t sequence) {
  memset(reception->seen, 0, sizeof reception->seen);
  reception->started = true;
  reception->highest = reception->base = sequence;
  reception->received = 0;
  reception->reported_expected = reception->reported_received = 0;
  reception->has_transit = false;
  reception->suspect = NO_SUSPECT;
  mark(reception, sequence);
}

static void advance(struct reception *reception, uint64_t sequence) {
  if (sequence - reception->highest >= RECEPTION_WINDOW) {
    memset(reception->seen, 0, sizeof reception->seen);
  } else {
    for (uint64_t s = reception->highest + 1; s < sequence; s++)
      reception->seen[s % RECEPTION_WINDOW / 64] &= ~(UINT64_C(1) << s % 64);
  }
  reception->highest = sequence;
  mark(reception, sequence);
}

static enum arrival suspect_jump(struct reception *reception, uint16_t on_wire, bool repaired,
                                 uint64_t *sequence) {
  if (repaired) return ARRIVAL_REFUSED;
  if (reception->suspect != on_wire) {
    reception->suspect = (uint16_t)(on_wire + 1);
    return ARRIVAL_REFUSED;
  }
  *sequence = (((reception->highest >> 16) + 2) << 16) | on_wire;
  start_at(reception, *sequence);
  reception->received = 1;
  return ARRIVAL_RESTART;
}

enum arrival reception_place(struct reception *reception, uint16_t on_wire, bool repaired,
                             uint64_t *sequence) {
  if (!reception->started) {
    if (repaired) return ARRIVAL_REFUSED;
    *sequence = UINT64_C(0x10000) + on_wire;
    start_at(reception, *sequence);
    reception->received = 1;
    return ARRIVAL_NEWEST;
  }
  int16_t ahead = (int16_t)(on_wire - (uint16_t)reception->highest);
  if (ahead >= JUMP_MAX || ahead <= -RECEPTION_WINDOW)
    return suspect_jump(reception, on_wire, repaired, sequence);
  *sequence = reception->highest + (uint64_t)(int64_t)ahead;
  if (ahead <= 0) {
    if (marked(reception, *sequence)) return ARRIVAL_DUPLICATE;
    mark(reception, *sequence);
    if (*sequence < reception->base) reception->base = *sequence;
  } else {
    advance(reception, *sequence);
  }
  reception->suspect = NO_SUSPECT;
  if (!repaired) reception->received++;
  return ahead > 0 ? ARRIVAL_NEWEST : ARRIVAL_LATE;
}

void reception_measure_jitter(struct reception *reception, uint32_t timestamp,
                              uint32_t arrival_ticks) {
  uint32_t transit = arrival_ticks - timestamp;
  if (reception->has_transit) {
    int32_t difference = (int32_t)(transit - reception->transit);
    uint32_t size = difference < 0 ? 0u - (uint32_t)difference : (uint32_t)difference;
    /* A stopped or lying clock must not poison the estimate for minutes. */
    if (size < 1u << 24)
      reception->jitter_16 += size - ((reception->jitter_16 + 8) >> 4);
  }
  reception->transit = transit;
  reception->has_transit = true;
}

struct reception_report reception_report(struct reception *reception) {
  uint64_t expected = reception->highest - reception->base + 1;
  int64_t lost = (int64_t)expected - (int64_t)reception->received;
  int64_t expected_now = (int64_t)(expected - reception->reported_expected);
  int64_t lost_now = expected_now - (int64_t)(reception->received - reception->reported_received);
  reception->reported_expected = expected;
  reception->reported_received = reception->received;
  if (lost > 0x7fffff) lost = 0x7fffff;
  if (lost < -0x800000) lost = -0x800000;
  int64_t fraction = expected_now > 0 && lost_now > 0 ? (lost_now << 8) / expected_now : 0;
  if (expected_now < 0 || expected_now > UINT32_MAX) expected_now = 0; /* it began anew */
  return (struct reception_report){
      .expected = (uint32_t)expected_now,
      .lost = lost_now < 0              ? 0
              : lost_now > expected_now ? (uint32_t)expected_now
                                        : (uint32_t)lost_now,
      .fraction_lost = fraction > 255 ? 255 : (uint8_t)fraction,
      .cumulative_lost = (int32_t)lost,
      .highest_sequence = (uint32_t)(reception->highest - 0x10000),
      .jitter = reception->jitter_16 >> 4,
  };
}
