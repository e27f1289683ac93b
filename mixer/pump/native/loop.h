/* Owns the pump's thread: wait, receive what there is, let the core work through it, send what came
 * of it.
 *
 * Between two rounds lies a window in which packets gather. That is why the pump is cheap: a packet
 * received and sent alone costs ten times one in a batch (wake-ups and system calls). What comes to
 * a quiet pump is served at once. For the same reason reports and feedback wake nobody: they are
 * read in the next round that media needs, soon after at the latest (udp.h). */
#ifndef TONGKE_LOOP_H
#define TONGKE_LOOP_H

#include "pump.h"

/* The thread; `pump` is a struct pump. */
void *pump_loop(void *pump);
/* Closes the links of local peers that Python removed. */
void pump_close_links(struct pump *pump);

#endif
