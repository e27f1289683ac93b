/* Owns reading ahead: between two pictures the caches lose what the pump keeps of each consumer, and
 * to wait for those dozens of places costs as much as the cipher. Called for while the consumers
 * before are worked on, they are there in time. Nothing changes but how long it takes. */
#ifndef TONGKE_READ_AHEAD_H
#define TONGKE_READ_AHEAD_H

#include "streams.h"

/* Calls for what the first consumers will need. */
void read_ahead_begin(const struct producer *producer);
/* Calls for what the consumers soon after `place` will need; it may lie before the first. */
void read_ahead(const struct producer *producer, int64_t place);

#endif
