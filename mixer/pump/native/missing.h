/* Owns what one encoding has lost and asks for again: generic NACKs upstream (RFC 4585 §6.2.1).
 * A bounded list, oldest first; each entry is asked for a bounded number of times. */
#ifndef TONGKE_MISSING_H
#define TONGKE_MISSING_H

#include <stdbool.h>
#include <stdint.h>

#include "rtcp.h"

#define MISSING_MAX 256

struct missing_packet {
  uint64_t sequence;
  int64_t since_ns;
  int64_t asked_ns;
  uint32_t tries;
};

struct missing {
  uint32_t count;
  int64_t round_trip_ns; /* measured from an ask to its answer */
  struct missing_packet packets[MISSING_MAX];
};

void missing_init(struct missing *missing);
/* The packets from `first` up to `end` (not included) did not come. False when some had to be
 * given up: only a keyframe helps now. */
bool missing_add(struct missing *missing, uint64_t first, uint64_t end, int64_t now);
/* True when it was asked for before it came: it is recovered. */
bool missing_remove(struct missing *missing, uint64_t sequence, int64_t now);

struct missing_due {
  uint32_t pair_count;
  uint32_t sequence_count;
  bool gave_up; /* an entry was dropped: asked for too often or too old */
  struct nack_pair pairs[MISSING_MAX];
};

/* What to ask for now. */
void missing_collect(struct missing *missing, int64_t now, struct missing_due *due);

#endif
