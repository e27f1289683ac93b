/* Owns the calls that make, change and end producers, their encodings, and consumers. */
#ifndef TONGKE_CALLS_STREAMS_H
#define TONGKE_CALLS_STREAMS_H

#include "calls.h"

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

#endif
