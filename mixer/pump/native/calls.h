/* Owns the calls that Python makes: each takes the core's mutex, changes or reads something, and
 * lets it go. They return ids or 0, or a negative `enum refusal`. */
#ifndef TONGKE_CALLS_H
#define TONGKE_CALLS_H

#include <sys/un.h>

#include "core.h"
#include "rtcp.h"

/* calls_transports.c */
int64_t core_add_transport(struct core *core, const struct extension_ids *extensions);
int64_t core_add_plain_transport(struct core *core, const char *path);
int core_set_extensions(struct core *core, int64_t id, const struct extension_ids *extensions);
/* `address` NULL: no remote. An address another transport had is taken from it. `local` is that of
 * ours which the peer speaks to, or NONE. */
int core_set_remote(struct core *core, int64_t id, const struct address *address,
                    const struct address *local);
/* Once `keys` are taken all packet indices begin anew: they must be keys that were never used. */
int core_set_srtp(struct core *core, int64_t id, const struct srtp_keys *keys);
/* From now on what comes in is reported on, under this SSRC; `cname` of at most CNAME_MAX bytes. */
int core_set_reporting(struct core *core, int64_t id, uint32_t ssrc, const char *cname,
                       uint8_t cname_length);
/* 1: begun; 0: nothing to fill the line with. */
int core_probe(struct core *core, int64_t id, uint64_t rate_bps, int64_t duration_ns,
               int64_t now);
/* With all its producers and consumers. */
int core_remove_transport(struct core *core, int64_t id);
/* All of them, before core_free(). Their sessions may be gone already. */
void core_remove_transports(struct core *core);
struct rtcp_target {
  struct address to, local;
  struct sockaddr_un plain_name; /* where `to` is not an internet address */
  socklen_t plain_length;
};
/* Protects RTCP for sending to `target`. The result is in `out`; returns its length, 0: cannot be
 * sent now. */
int core_protect_rtcp(struct core *core, int64_t id, const uint8_t *data, uint32_t length,
                      uint8_t *out, struct rtcp_target *target);
/* Leaves a datagram for the pump's thread to send by TCP; false: too many wait. */
bool core_post(struct core *core, const struct address *to, const uint8_t *data, uint32_t length);
/* The links of removed plain transports, for whoever sends to close when nothing is under way. */
struct plain_link *core_take_closing(struct core *core);

/* calls_streams.c */
struct producer_settings {
  enum codec codec;
  uint32_t clock_rate;
  bool nack;
  uint32_t feedback_ssrc; /* 0: the pump's own */
};
int64_t core_add_producer(struct core *core, int64_t transport_id,
                          const struct producer_settings *settings);
struct encoding_settings {
  int layer;
  uint32_t ssrc, rtx_ssrc;
  uint8_t payload_type, rtx_payload_type;
  /* H.264 parameter sets from its description: a payload as RTP has them, or none. */
  const uint8_t *parameter_sets;
  uint16_t parameter_sets_length;
};
int core_add_encoding(struct core *core, int64_t producer_id,
                      const struct encoding_settings *settings, int64_t now);
int core_set_producer_paused(struct core *core, int64_t id, bool paused, int64_t now);
int core_remove_producer(struct core *core, int64_t id);

struct consumer_settings {
  uint32_t ssrc, rtx_ssrc;
  uint8_t payload_type, rtx_payload_type;
  const char *mid, *cname;
  uint8_t mid_length, cname_length;
  bool from_past; /* it begins with the last keyframe that is kept */
};
int64_t core_add_consumer(struct core *core, int64_t producer_id, int64_t transport_id,
                          const struct consumer_settings *settings);
int core_set_consumer_layer(struct core *core, int64_t id, int layer, int64_t now);
int core_remove_consumer(struct core *core, int64_t id);

/* Within other calls, with the mutex held. */
void remove_producer(struct core *core, struct producer *producer);
void remove_consumer(struct core *core, struct consumer *consumer);

/* calls_lines.c: `train` has room for TRAIN_MAX packets. */
int core_line(struct core *core, int64_t id, struct line_reading *reading,
              struct train_packet *train);
int core_set_line_settled(struct core *core, int64_t id, bool is_settled);

/* calls_read.c: each fills up to `room` entries and returns how many. */
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

struct layer_totals {
  int layer;
  uint64_t bytes, keyframes;
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
