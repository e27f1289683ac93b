/* See calls_read.h. */
#include "calls_read.h"

#include <string.h>

#include "bytes.h"

int core_losses(struct core *core, int64_t id, struct stream_losses *out, uint32_t room) {
  uint32_t count = 0;
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  struct consumer *consumer = transport ? transport->consumers : NULL;
  for (; consumer && count < room; consumer = consumer->next_of_transport) {
    struct heard_report *heard = &consumer->reports.heard;
    if (!heard->expected) continue;
    out[count++] = (struct stream_losses){consumer->ssrc, heard->expected, heard->lost,
                                          heard->at_ns};
    heard->expected = heard->lost = 0;
  }
  pthread_mutex_unlock(&core->mutex);
  return transport ? (int)count : REFUSED_UNKNOWN;
}

int core_consumer_bytes(struct core *core, const int64_t *ids, uint32_t count, uint64_t *out) {
  uint32_t i = 0;
  pthread_mutex_lock(&core->mutex);
  for (; i < count; i++) {
    const struct consumer *consumer = core_consumer(core, ids[i]);
    if (!consumer) break;
    out[i] = consumer->counters[CONSUMER_bytes];
  }
  pthread_mutex_unlock(&core->mutex);
  return i == count ? 0 : REFUSED_UNKNOWN;
}

int core_audio_levels(struct core *core, struct audio_level *out, uint32_t room) {
  uint32_t count = 0;
  pthread_mutex_lock(&core->mutex);
  for (uint32_t i = 0; i < core->producers.capacity && count < room; i++) {
    struct producer *producer = core->producers.objects[i];
    if (!producer) continue;
    producer->is_loud = producer->has_audio_level && producer->loudest < VOICE_LEVEL;
    if (!producer->has_audio_level) continue;
    out[count++] = (struct audio_level){producer->id, producer->loudest};
    producer->has_audio_level = false;
  }
  pthread_mutex_unlock(&core->mutex);
  return (int)count;
}

int core_level_history(struct core *core, const int64_t *ids, uint32_t count, int64_t end,
                       uint8_t (*out)[LEVEL_FRAMES]) {
  uint32_t i = 0;
  pthread_mutex_lock(&core->mutex);
  for (; i < count; i++) {
    const struct producer *producer = core_producer(core, ids[i]);
    if (!producer) break;
    level_history_read(&producer->levels, end, out[i]);
  }
  pthread_mutex_unlock(&core->mutex);
  return i == count ? 0 : REFUSED_UNKNOWN;
}

void core_pump_stats(struct core *core, uint64_t *counters) {
  pthread_mutex_lock(&core->mutex);
  memcpy(counters, core->counters, sizeof core->counters);
  pthread_mutex_unlock(&core->mutex);
}

void core_pump_gauges(struct core *core, uint64_t *gauges) {
  pthread_mutex_lock(&core->mutex);
  gauges[GAUGE_transports] = core->transports.count;
  gauges[GAUGE_producers] = core->producers.count;
  gauges[GAUGE_consumers] = core->consumers.count;
  gauges[GAUGE_events_waiting] = core->events.waiting;
  gauges[GAUGE_event_ring_bytes] = core->events.used;
  gauges[GAUGE_tcp_connections] = core->tcp_connections;
  gauges[GAUGE_plain_backlog_bytes] = core->plain_backlog_bytes;
  pthread_mutex_unlock(&core->mutex);
}

void core_pump_measures(struct core *core, struct histogram *measures) {
  pthread_mutex_lock(&core->mutex);
  memcpy(measures, core->measures, sizeof core->measures);
  pthread_mutex_unlock(&core->mutex);
}

int core_transport_stats(struct core *core, int64_t id, uint64_t *counters) {
  pthread_mutex_lock(&core->mutex);
  const struct transport *transport = core_transport(core, id);
  if (transport) memcpy(counters, transport->counters, sizeof transport->counters);
  pthread_mutex_unlock(&core->mutex);
  return transport ? 0 : REFUSED_UNKNOWN;
}

int core_totals(struct core *core, const int64_t *ids, uint32_t count,
                struct transport_totals *out) {
  uint32_t i = 0;
  pthread_mutex_lock(&core->mutex);
  for (; i < count; i++) {
    const struct transport *transport = core_transport(core, ids[i]);
    if (!transport) break;
    out[i] = (struct transport_totals){
        .bytes_received = transport->counters[TRANSPORT_bytes_received],
        .bytes_sent = transport->counters[TRANSPORT_bytes_sent],
        .packets_expected = transport->counters[TRANSPORT_packets_expected],
        .packets_lost = transport->counters[TRANSPORT_packets_lost],
        .last_received_ns = (int64_t)transport->counters[TRANSPORT_last_received_ns],
        .round_trip_ns = transport->round_trip_ns,
    };
  }
  pthread_mutex_unlock(&core->mutex);
  return i == count ? 0 : REFUSED_UNKNOWN;
}

int core_layer_totals(struct core *core, int64_t id, struct layer_totals *out) {
  int count = 0;
  pthread_mutex_lock(&core->mutex);
  const struct producer *producer = core_producer(core, id);
  for (int layer = 0; producer && layer < LAYERS; layer++) {
    struct encoding *encoding = producer->encodings[layer];
    if (!encoding) continue;
    out[count++] = (struct layer_totals){
        .layer = layer,
        .bytes = encoding->counters[ENCODING_bytes],
        .keyframes = encoding->counters[ENCODING_keyframes],
        .past_bytes = encoding->past_bytes,
        .steps_back = encoding->counters[ENCODING_steps_back],
        .format_changes =
            encoding->h264 ? encoding->h264->sets.changes : encoding->size_changes,
        .last_packet_ns = (int64_t)encoding->counters[ENCODING_last_packet_ns],
        .longest_pause_ns = encoding->longest_pause_ns,
    };
    encoding->longest_pause_ns = 0;
  }
  pthread_mutex_unlock(&core->mutex);
  return producer ? count : REFUSED_UNKNOWN;
}

static int picture_format(const struct encoding *encoding, uint8_t *out) {
  if (encoding->h264) {
    const struct parameter_sets *sets = &encoding->h264->sets;
    memcpy(out, sets->payload + sets->sps_at, sets->sps_length);
    return sets->sps_length;
  }
  if (!encoding->vp8_size) return 0;
  write_u32(out, encoding->vp8_size);
  return 4;
}

int core_picture_format(struct core *core, int64_t id, int layer, uint8_t *out) {
  if (layer < 0 || layer >= LAYERS) return REFUSED_VALUE;
  pthread_mutex_lock(&core->mutex);
  const struct producer *producer = core_producer(core, id);
  const struct encoding *encoding = producer ? producer->encodings[layer] : NULL;
  int length = encoding ? picture_format(encoding, out) : 0;
  pthread_mutex_unlock(&core->mutex);
  return producer ? length : REFUSED_UNKNOWN;
}

int core_producer_stats(struct core *core, int64_t id, struct encoding_stats *out) {
  int count = 0;
  pthread_mutex_lock(&core->mutex);
  const struct producer *producer = core_producer(core, id);
  for (int layer = 0; producer && layer < LAYERS; layer++) {
    const struct encoding *encoding = producer->encodings[layer];
    if (!encoding) continue;
    const struct reception *reception = &encoding->reception;
    uint64_t expected = reception->started ? reception->highest - reception->base + 1 : 0;
    struct encoding_stats *stats = &out[count++];
    stats->layer = layer;
    stats->ssrc = encoding->ssrc;
    stats->lost = expected > reception->received ? expected - reception->received : 0;
    stats->jitter = reception->jitter_16 >> 4;
    memcpy(stats->counters, encoding->counters, sizeof encoding->counters);
  }
  pthread_mutex_unlock(&core->mutex);
  return producer ? count : REFUSED_UNKNOWN;
}

int core_consumer_stats(struct core *core, int64_t id, struct consumer_stats *out) {
  pthread_mutex_lock(&core->mutex);
  const struct consumer *consumer = core_consumer(core, id);
  if (consumer) {
    out->layer = consumer->layer;
    out->target = consumer->target;
    out->reported_lost = consumer->reports.heard.cumulative_lost;
    out->reported_jitter = consumer->reports.heard.jitter;
    memcpy(out->counters, consumer->counters, sizeof consumer->counters);
  }
  pthread_mutex_unlock(&core->mutex);
  return consumer ? 0 : REFUSED_UNKNOWN;
}
