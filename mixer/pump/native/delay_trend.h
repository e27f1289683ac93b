/* Owns the question whether the queue before a bottleneck grows, told from how bursts of packets
 * spread on their way: draft-ietf-rmcat-gcc-02 §5.2–5.4 with its successor's trend line (least
 * squares in place of the Kalman filter, as libwebrtc has used since 2016; Carlucci et al., "Analysis
 * and design of the Google congestion control for WebRTC", 2016, for the adaptive threshold).
 *
 * The model in tests/models/line.py tells the same in Python; tests hold the two together. */
#ifndef TONGKE_DELAY_TREND_H
#define TONGKE_DELAY_TREND_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* Packets that leave within 5 ms are one burst (§5.2): a frame is sent in one breath, and its inner
 * spacing tells the line's speed, not its queue. */
#define BURST_NS (5 * MILLISECOND_NS)

enum usage {
  USAGE_NORMAL,
  USAGE_OVERUSE,  /* the queue grows */
  USAGE_UNDERUSE, /* the queue drains */
};

#define TREND_POINTS 20
#define TREND_LOW_GROUPS 500 /* five to fifteen seconds */
#define TREND_LOW_PLACES 512 /* a power of two above it */

struct trend_point {
  double at_ms, delay_ms;
};

struct delay_trend {
  enum usage usage;
  double threshold_ms;
  bool has_threshold_time;
  double threshold_at_ms;
  /* The group of packets that is being gathered, and the one before it. */
  bool in_group, has_previous;
  int64_t group_sent_ns, last_sent_ns, last_arrived_ns;
  int64_t previous_sent_ns, previous_arrived_ns;
  /* The line through the last groups' delays. */
  uint32_t deltas;
  double accumulated_ms, smoothed_ms, slope;
  struct trend_point points[TREND_POINTS];
  uint32_t point_count, next_point;
  double over_ms;
  uint32_t over_count;
  /* Delays that may become the least of the last groups, rising. */
  uint32_t group, low_start, low_count;
  struct {
    uint32_t group;
    double delay_ms;
  } lows[TREND_LOW_PLACES];
};

void delay_trend_begin(struct delay_trend *trend);
/* Forgets the past packets (after a silence or a change of path), but for the threshold. */
void delay_trend_reset(struct delay_trend *trend);
/* Packets sent in one breath, in sending order: when by our clock, and when all were there by the
 * peer's. `usage` is the verdict so far. */
void delay_trend_add(struct delay_trend *trend, int64_t first_sent_ns, int64_t last_sent_ns,
                     int64_t arrived_ns);

#endif
