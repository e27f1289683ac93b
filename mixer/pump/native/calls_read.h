/* Owns the calls by which Python reads: feedback, reports, levels, counters. */
#ifndef TONGKE_CALLS_READ_H
#define TONGKE_CALLS_READ_H

#include "calls.h"

/* Each that takes `room` fills up to so many entries and returns how many. */

/* What the peer's report blocks on a stream told since the last call. */
struct stream_losses {
  uint32_t ssrc, expected, lost;
  int64_t at_ns; /* when the last of them came */
};
int core_losses(struct core *core, int64_t id, struct stream_losses *out, uint32_t room);
/* What each of `count` consumers has sent. */
int core_consumer_bytes(struct core *core, const int64_t *ids, uint32_t count, uint64_t *out);
struct audio_level {
  int64_t producer_id;
  uint8_t level;
};
int core_audio_levels(struct core *core, struct audio_level *out, uint32_t room);
/* How loud each of `count` producers was in the LEVEL_FRAMES frames before `end`, −dBov. */
int core_level_history(struct core *core, const int64_t *ids, uint32_t count, int64_t end,
                       uint8_t (*out)[LEVEL_FRAMES]);

struct layer_totals {
  int layer;
  uint64_t bytes, keyframes;
  uint64_t past_bytes;     /* of these, of groups of pictures sent again for somebody new */
  uint64_t steps_back;     /* pictures shown before the one that came before them */
  uint32_t format_changes; /* how often core_picture_format() has had something new */
  int64_t last_packet_ns; /* 0: none came */
  int64_t longest_pause_ns; /* between two packets since the last call; 0: fewer came */
};
/* Of the layers that have been named; fills up to LAYERS. */
int core_layer_totals(struct core *core, int64_t id, struct layer_totals *out);
/* What a layer's last keyframe said of its pictures: of H.264 the sequence parameter set, of VP8 the
 * four bytes of its size. Up to PARAMETER_SETS_BYTES; returns how many, 0: nothing yet. */
int core_picture_format(struct core *core, int64_t id, int layer, uint8_t *out);

struct encoding_stats {
  int layer;
  uint32_t ssrc;
  uint64_t lost;
  uint32_t jitter;
  uint64_t counters[ENCODING_COUNTER_COUNT];
};
struct consumer_stats {
  int layer, target;
  int32_t reported_lost; /* in the peer's last report block */
  uint32_t reported_jitter;
  uint64_t counters[CONSUMER_COUNTER_COUNT];
};
void core_pump_stats(struct core *core, uint64_t *counters);
void core_pump_gauges(struct core *core, uint64_t *gauges);
/* Fills MEASURE_COUNT histograms. */
void core_pump_measures(struct core *core, struct histogram *measures);
/* One transport's line, in totals since it was added. */
struct transport_totals {
  uint64_t bytes_received, bytes_sent;
  uint64_t packets_expected, packets_lost;
  int64_t last_received_ns;
  int64_t round_trip_ns; /* smoothed; 0: unknown */
};
/* Of each of `count` transports. */
int core_totals(struct core *core, const int64_t *ids, uint32_t count,
                struct transport_totals *out);
int core_transport_stats(struct core *core, int64_t id, uint64_t *counters);
int core_producer_stats(struct core *core, int64_t id, struct encoding_stats *out);
int core_consumer_stats(struct core *core, int64_t id, struct consumer_stats *out);

#endif
