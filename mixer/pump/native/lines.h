/* Owns the lines' place in the core: which transports have one, what reaches it, and that Python is
 * told when there is something to read. What a line is, line.h tells. */
#ifndef TONGKE_LINES_H
#define TONGKE_LINES_H

#include "limiter.h"
#include "line.h"

struct core;
struct transport;
struct rtcp_part;

/* A transport's part in it. */
struct sensing {
  struct line *line; /* to the peer; NULL: it is sent no transport-wide sequence numbers */
  struct transport *next; /* in the core's list of those that have one */
  struct bucket reported; /* packets that its feedback speaks of */
};

/* Gives a transport that sends transport-wide sequence numbers its line, once; false: no memory. */
bool lines_reserve(struct core *core, struct transport *transport);
/* The transport is going. */
void lines_forget(struct core *core, struct transport *transport);
/* The peer's transport-wide feedback, a part of an authenticated compound. */
void lines_take_feedback(struct core *core, struct transport *transport,
                         const struct rtcp_part *part, int64_t now);
/* Notices silence and idleness, when it is due; returns when it is due next, INT64_MAX: when others
 * are. */
int64_t lines_tick(struct core *core, int64_t now);

#endif
