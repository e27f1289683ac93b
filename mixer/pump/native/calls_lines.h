/* Owns the calls by which Python reads a subscriber's line. */
#ifndef TONGKE_CALLS_LINES_H
#define TONGKE_CALLS_LINES_H

#include "calls.h"

/* `train` has room for TRAIN_MAX packets. */
int core_line(struct core *core, int64_t id, struct line_reading *reading,
              struct train_packet *train);
int core_set_line_settled(struct core *core, int64_t id, bool is_settled);

#endif
