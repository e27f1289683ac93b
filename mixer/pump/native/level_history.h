/* Owns how loud a sound was in each tenth of a second of the last ones: its shape, by which a voice
 * is known again where it comes back (mixer/forward/echo_path.py). */
#ifndef TONGKE_LEVEL_HISTORY_H
#define TONGKE_LEVEL_HISTORY_H

#include <stdint.h>

#include "clock.h"

/* mixer/forward/echo_path.py counts in the same frames, and has as many. */
#define LEVEL_FRAME_NS (100 * MILLISECOND_NS)
#define LEVEL_FRAMES 128
#define LEVEL_PLACES (LEVEL_FRAMES + 1) /* and the one that is not over */
#define LEVEL_SILENT 127                /* −dBov (RFC 6464): no packet came, or one of silence */

struct level_history {
  int64_t newest;               /* the newest frame heard of */
  uint8_t levels[LEVEL_PLACES]; /* −dBov of the loudest packet, by frame modulo LEVEL_PLACES */
};

void level_history_init(struct level_history *history);
void level_history_hear(struct level_history *history, uint8_t level, int64_t now);
/* The frames before `end`, the oldest first. */
void level_history_read(const struct level_history *history, int64_t end, uint8_t *out);

#endif
