/* See departures.h. */
#include "departures.h"

#include <stddef.h>

static struct departed *place_of(struct departures *departures, int64_t sequence) {
  return &departures->packets[(uint64_t)sequence & (DEPARTURES_SIZE - 1)];
}

static struct departed *find(struct departures *departures, int64_t sequence) {
  struct departed *packet = place_of(departures, sequence);
  return packet->fate != FATE_NONE && packet->sequence == (uint32_t)sequence ? packet : NULL;
}

int64_t departures_unwrap(const struct departures *departures, uint16_t sequence) {
  if (!departures->has_any) return sequence;
  return departures->newest + (int16_t)(uint16_t)(sequence - (uint16_t)departures->newest);
}

void departures_add(struct departures *departures, uint16_t sequence, int64_t now,
                    uint32_t bytes) {
  int64_t unwrapped = departures_unwrap(departures, sequence);
  struct departed *sent = find(departures, unwrapped);
  if (!departures->has_any || unwrapped > departures->newest) departures->newest = unwrapped;
  departures->has_any = true;
  if (!sent) {
    *place_of(departures, unwrapped) = (struct departed){
        .sent_ns = now,
        .sequence = (uint32_t)unwrapped,
        .bytes = (uint16_t)bytes,
        .fate = FATE_UNKNOWN,
    };
  } else if (sent->fate == FATE_LOST) {
    sent->fate = FATE_COUNTED;
  } else if (sent->fate == FATE_UNKNOWN) {
    sent->fate = FATE_REPEATED;
  }
}

static enum news arrive(struct departed *packet) {
  enum fate before = packet->fate;
  packet->fate = FATE_ARRIVED;
  return before == FATE_LOST ? NEWS_LATE : before == FATE_ASSUMED ? NEWS_ASSUMED : NEWS_ARRIVED;
}

/* Reported as not arrived, or as what counts for that. */
static enum news miss(struct departed *packet) {
  if (packet->fate != FATE_UNKNOWN && packet->fate != FATE_REPEATED) return NEWS_NONE;
  packet->fate = packet->fate == FATE_UNKNOWN ? FATE_LOST : FATE_COUNTED;
  return NEWS_LOST;
}

enum news departures_report(struct departures *departures, int64_t sequence, bool arrived,
                            const struct departed **packet) {
  struct departed *found = find(departures, sequence);
  if (!found || found->fate == FATE_ARRIVED || found->fate == FATE_COUNTED) return NEWS_NONE;
  *packet = found;
  return arrived && found->fate != FATE_REPEATED ? arrive(found) : miss(found);
}

uint32_t departures_assume(struct departures *departures, int64_t first, int64_t end) {
  uint32_t bytes = 0;
  if (first < end - DEPARTURES_SIZE) first = end - DEPARTURES_SIZE;
  for (int64_t sequence = first; sequence < end; sequence++) {
    struct departed *packet = find(departures, sequence);
    if (!packet || packet->fate != FATE_UNKNOWN) continue;
    packet->fate = FATE_ASSUMED;
    bytes += packet->bytes;
  }
  return bytes;
}
