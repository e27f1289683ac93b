/* Owns what time alone makes due: NACKs upstream, reminders that a keyframe is needed. One coalesced
 * tick; an idle pump has none to wait for. Reports and feedback have their own clock (reports.c),
 * which this one follows. */
#ifndef TONGKE_TICK_H
#define TONGKE_TICK_H

#include "core.h"

/* Once `due` has come; returns when it is due next. */
int64_t core_tick(struct core *core, int64_t due, int64_t now);

#endif
