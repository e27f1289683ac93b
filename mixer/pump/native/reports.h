/* Owns when the pump reports, and to whom: transport-wide feedback to publishers ten times a second
 * while packets arrive, receiver and sender reports with their source descriptions once a second
 * (RFC 3550 §6.4, §6.5). All transports share one due time, and no two rounds are nearer than
 * REPORT_GRID_NS, so that a thousand peers wake the thread no oftener than one. */
#ifndef TONGKE_REPORTS_H
#define TONGKE_REPORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "feedback_writer.h"

/* libwebrtc sends its own transport-wide feedback every 50 to 250 ms; 100 ms lets a browser's
 * estimate rise as fast as against another browser. */
#define REPORT_GRID_NS (100 * MILLISECOND_NS)
#define REPORT_NS SECOND_NS
/* The longest CNAME, so that SENDER_REPORTS_MAX with their descriptions fit a datagram. */
#define CNAME_MAX 32
#define SENDER_REPORTS_MAX 16 /* in a datagram, 72 bytes each at most */
/* Sender reports a round trip may be measured by: as many seconds. */
#define SENT_REPORTS 8

struct core;
struct transport;
struct consumer;
struct encoding;

struct sent_report {
  uint32_t last_sr; /* as a report block names it: the middle of its NTP time */
  int64_t at_ns;
};

/* The peer's last report block on a stream, and what all its blocks told since Python looked. */
struct heard_report {
  bool is_known;
  int32_t cumulative_lost;
  uint32_t highest_sequence, jitter;
  int64_t at_ns;
  uint32_t expected, lost;
};

/* A consumer's part in it. */
struct consumer_reports {
  char cname[CNAME_MAX]; /* of the source; empty: no description is sent */
  uint8_t cname_length;
  bool is_due; /* it joined a layer and has not been reported since */
  struct sent_report sent[SENT_REPORTS];
  uint32_t sent_count; /* of all times */
  struct heard_report heard, heard_rtx;
};

/* A transport's part in it. */
struct reporting {
  int64_t due_ns; /* 0: not yet settled */
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
/* A sender report for this consumer is due soon, if there is one to send: it joined a layer, or the
 * layer's source said what time it is. */
void reports_soon(struct core *core, struct consumer *consumer, int64_t now);
void reports_encoding_reported(struct core *core, const struct encoding *encoding, int64_t now);
/* A transport has something to report now that it had not: the next round looks at all of them. */
void reports_look(struct core *core);
/* The transport is going. */
void reports_forget(struct core *core, struct transport *transport);
/* A round, when it is due; returns when the next one is. */
int64_t reports_tick(struct core *core, int64_t now);

#endif
