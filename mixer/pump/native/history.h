/* Owns the last packets of one encoding, kept once for all its consumers' retransmissions.
 *
 * Packets lie end to end in slabs. A full slab is followed by the oldest one, once that holds
 * nothing young enough to be asked for, else by a new one, up to a limit: memory follows the
 * stream's rate, and stops growing after its first second. */
#ifndef TONGKE_HISTORY_H
#define TONGKE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "media.h"

#define HISTORY_SLABS_MAX 64

struct slab;

struct history_place {
  uint64_t sequence;
  uint32_t slab_use; /* the slab's use count when the packet was written; 0: empty place */
  uint32_t slab;
  uint32_t offset;
};

struct history {
  struct history_place *places; /* by sequence modulo `size` */
  struct slab *slabs[HISTORY_SLABS_MAX];
  uint32_t size; /* a power of two */
  uint32_t slab_bytes;
  uint32_t slab_count, slab_limit;
  uint32_t current;
  int64_t kept_since_ns; /* what came later is kept as long as there is room; 0: nothing for long */
};

/* For video or for sound (fewer, smaller). False: no memory. */
bool history_init(struct history *history, bool is_video);
void history_free(struct history *history);
/* False when it could not be kept. */
bool history_put(struct history *history, const struct media *media, int64_t now);
/* `media->payload` points into the history: good until the next put. */
bool history_get(const struct history *history, uint64_t sequence, struct media *media);

#endif
