/* See missing.h. */
#include "missing.h"

#include <string.h>

#include "clock.h"

#define FIRST_ASK_NS (5 * MILLISECOND_NS)    /* reordering within a burst settles by itself */
#define SPACING_MIN_NS (20 * MILLISECOND_NS) /* never more often than this */
#define ROUND_TRIP_START_NS (60 * MILLISECOND_NS)
#define TRIES_MAX 8
#define AGE_MAX_NS SECOND_NS /* as long as a sender's history reaches */

void missing_init(struct missing *missing) {
  missing->count = 0;
  missing->round_trip_ns = ROUND_TRIP_START_NS;
}

bool missing_add(struct missing *missing, uint64_t first, uint64_t end, int64_t now) {
  uint64_t gap = end - first;
  bool all_kept = true;
  if (gap + missing->count > MISSING_MAX) {
    missing->count = 0;
    all_kept = false;
    /* So much is gone that asking for all of it would only fill the line. */
    if (gap > MISSING_MAX / 2) return false;
  }
  for (uint64_t sequence = first; sequence < end; sequence++)
    missing->packets[missing->count++] = (struct missing_packet){sequence, now, 0, 0};
  return all_kept;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

bool missing_remove(struct missing *missing, uint64_t sequence, int64_t now) {
  for (uint32_t i = missing->count; i-- > 0;) {
    struct missing_packet *packet = &missing->packets[i];
    if (packet->sequence < sequence) return false;
    if (packet->sequence > sequence) continue;
    uint32_t tries = packet->tries;
    if (tries == 1) { /* of several asks, nobody knows which was answered (Karn) */
      int64_t sample = clamp(now - packet->asked_ns, MILLISECOND_NS, SECOND_NS);
      missing->round_trip_ns += (sample - missing->round_trip_ns) / 8;
    }
    missing->count--;
    memmove(packet, packet + 1, (missing->count - i) * sizeof *packet);
    return tries > 0;
  }
  return false;
}

static bool is_due(const struct missing_packet *packet, int64_t spacing_ns, int64_t now) {
  return packet->tries == 0 ? now - packet->since_ns >= FIRST_ASK_NS
                            : now - packet->asked_ns >= spacing_ns;
}

static void add_to_pairs(struct missing_due *due, uint16_t sequence) {
  due->sequence_count++;
  if (due->pair_count) {
    struct nack_pair *last = &due->pairs[due->pair_count - 1];
    uint16_t behind = (uint16_t)(sequence - last->first);
    if (behind >= 1 && behind <= 16) {
      last->mask |= (uint16_t)(1u << (behind - 1));
      return;
    }
  }
  due->pairs[due->pair_count++] = (struct nack_pair){sequence, 0};
}

void missing_collect(struct missing *missing, int64_t now, struct missing_due *due) {
  int64_t spacing_ns = clamp(missing->round_trip_ns * 3 / 2, SPACING_MIN_NS, SECOND_NS / 4);
  uint32_t kept = 0;
  due->pair_count = due->sequence_count = 0;
  due->gave_up = false;
  for (uint32_t i = 0; i < missing->count; i++) {
    struct missing_packet packet = missing->packets[i];
    bool ask = is_due(&packet, spacing_ns, now);
    if (now - packet.since_ns > AGE_MAX_NS || (ask && packet.tries == TRIES_MAX)) {
      due->gave_up = true;
      continue;
    }
    if (ask) {
      packet.tries++;
      packet.asked_ns = now;
      add_to_pairs(due, (uint16_t)packet.sequence);
    }
    missing->packets[kept++] = packet;
  }
  missing->count = kept;
}
