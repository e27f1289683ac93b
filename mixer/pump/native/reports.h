/* Owns when the pump reports, and to whom: transport-wide feedback to publishers ten times a second
 * while packets arrive, receiver and sender reports with their source descriptions once a second
 * (RFC 3550 §6.4, §6.5). All transports share one due time, and no two rounds are nearer than
 * REPORT_GRID_NS, so that a thousand peers wake the thread no oftener than one. */
#ifndef TONGKE_REPORTS_H
#define TONGKE_REPORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "feedback_writer.h"

/* libwebrtc sends its own transport-wide feedback every 50 to 250 ms; 100 ms lets a browser's
 * estimate rise as fast as against another browser. */
#define REPORT_GRID_NS (100 * MILLISECOND_NS)
/* The longest CNAME, so that 16 reports with their descriptions fit a datagram. */
#define CNAME_MAX 32

struct core;
struct transport;

/* A transport's part in it. */
struct reporting {
  bool is_on;    /* we report on what comes in */
  uint32_t ssrc; /* under which */
  char cname[CNAME_MAX];
  uint8_t cname_length;
  struct feedback_writer feedback;
  bool is_heard; /* in the core's list of transports that packets came from since the last round */
  struct transport *next_heard;
};

/* The core's part in it. */
struct reporting_clock {
  struct transport *heard;
  int64_t due_ns;  /* INT64_MAX: nothing is due */
  int64_t done_ns; /* the last round */
};

/* A packet with this transport-wide sequence number came in. */
void reports_note_arrival(struct core *core, struct transport *transport, uint16_t sequence,
                          int64_t arrival_ns, int64_t now);
/* The transport is going. */
void reports_forget(struct core *core, struct transport *transport);
/* A round, when it is due; returns when the next one is. */
int64_t reports_tick(struct core *core, int64_t now);

#endif
