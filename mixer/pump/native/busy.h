/* Owns the list of encodings that time makes something due for: they have lost packets to ask for,
 * or consumers that wait for a keyframe. Who puts one on it need not know what a tick does. */
#ifndef TONGKE_BUSY_H
#define TONGKE_BUSY_H

#include "core.h"

/* The next ticks look at it, until one finds nothing to do. */
void busy_add(struct core *core, struct encoding *encoding);
/* The encoding is going. */
void busy_forget(struct core *core, const struct encoding *encoding);

#endif
