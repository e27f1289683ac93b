/* Owns what a peer's transport-wide feedback tells of the line to it: whether a queue grows, how much
 * arrives, what is lost, and whether anything is heard at all. Here every packet of every subscriber
 * is looked at, so it is done in the pump; what follows for the estimate is mixer/rtp/bandwidth.py's,
 * which takes a reading from time to time.
 *
 * Free of the core: packets, feedback and time go in; `line_has_news` says when somebody should take
 * a reading. */
#ifndef TONGKE_LINE_H
#define TONGKE_LINE_H

#include "delay_trend.h"
#include "departures.h"
#include "feedback_reader.h"
#include "sliding_bitrate.h"

/* So long must packets leave unheard before the line counts as silent: it is dead, not full. */
#define LINE_SILENCE_NS SECOND_NS
/* A probe's packets that arrived: a quarter of a second at 40 Mb/s. More of them show nothing more. */
#define TRAIN_MAX 1024

struct train_packet {
  int64_t sent_ns, arrived_ns; /* our clock, the peer's clock */
  uint32_t bytes;
};

/* What was reported on; of what was sent while nothing was heard nothing counts. A packet told as
 * lost that arrives after all is taken back. */
struct loss_sums {
  int64_t expected, lost, bytes, lost_bytes;
  int64_t first_sent_ns, last_sent_ns; /* 0: nothing was reported on */
};

/* What was sensed since the last reading. Bitrates are −1 while unknown. */
struct line_reading {
  enum usage usage;
  double acknowledged_bps, busy_bps, sent_bps;
  struct loss_sums loss;
  int64_t heard_since_ns;   /* when the first feedback since the last reading came; 0: none has */
  bool is_silent;           /* packets leave and nothing is heard of them */
  bool has_returned;        /* it was silent since the last reading, and was heard again */
  bool is_idle;             /* nothing was sent lately */
  bool has_train;           /* a probe's answer is complete */
  uint32_t train_count;
};

struct line {
  struct departures departures;
  struct sliding_bitrate acknowledged, busy, sent;
  struct delay_trend trend;
  /* Sending */
  int64_t last_sent_ns, sent_burst_ns;
  bool has_sent, is_idle;
  /* Hearing */
  bool has_heard, is_unheard, is_silent;
  int64_t unheard_since_ns; /* since when packets leave unheard, if `is_unheard` */
  int64_t silence_ns;       /* so long unheard is silent; may be set */
  int64_t dead_until_ns;    /* what was sent before met a dead line */
  int64_t reference;        /* the peer's clock in 64 ms, unwrapped */
  int64_t heard_to;         /* one above the highest sequence reported on */
  int64_t newest_heard_ns;  /* when the newest packet that arrived was sent */
  double measured_loss;     /* by the last packets that are enough to tell */
  struct loss_sums measure, loss;
  /* Probing */
  bool is_probing, has_train;
  int64_t probe_began_ns, probe_ends_ns;
  struct train_packet train[TRAIN_MAX];
  uint32_t train_count;
  /* Telling */
  int64_t heard_since_ns, told_ns;
  enum usage told_usage;
  bool is_settled;          /* only changes are told; may be set */
  bool has_returned, is_urgent, is_told;
};

struct line *line_new(void);
void line_free(struct line *line);
/* A packet left under this transport-wide sequence. */
void line_depart(struct line *line, uint16_t sequence, uint32_t bytes, int64_t now);
/* The peer's feedback. The reader is used up. */
void line_hear(struct line *line, struct feedback_reader *feedback, int64_t now);
/* Time passes: silence and idleness are noticed. A tenth of a second is often enough. */
void line_pass(struct line *line, int64_t now);
/* What is sent until `ends_ns` is a probe: its packets that arrive are collected. */
void line_probe(struct line *line, int64_t began_ns, int64_t ends_ns);
/* Whether a reading should be taken now: with every feedback, or, of a settled line, when something
 * has changed or is amiss. Until the reading is taken it is told again once a second. */
bool line_has_news(const struct line *line, int64_t now);
void line_told(struct line *line, int64_t now);
/* The reading since the last one; of a settled line of which nothing was told, of the last 1.5 s at
 * most. `train` has room for TRAIN_MAX packets. */
void line_take(struct line *line, struct line_reading *reading, struct train_packet *train);

#endif
