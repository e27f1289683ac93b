/* Owns the calls by which Python reads: feedback, reports, levels, counters. */
#include <string.h>

#include "calls.h"

int core_departures(struct core *core, int64_t id, struct packet_log_entry *out, uint32_t room) {
  uint32_t count = 0;
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  struct packet_log *log = transport ? &transport->departures : NULL;
  while (log && log->count && count < room) {
    out[count++] = log->entries[log->start];
    log->start = (log->start + 1) % PACKET_LOG_SIZE;
    log->count--;
  }
  pthread_mutex_unlock(&core->mutex);
  return transport ? (int)count : REFUSED_UNKNOWN;
}

int core_sender_reports(struct core *core, int64_t id, struct sender_totals *out, uint32_t room,
                        int64_t now) {
  uint32_t count = 0;
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  struct consumer *consumer = transport ? transport->consumers : NULL;
  for (; consumer && count < room; consumer = consumer->next_of_transport) {
    struct sender_totals *totals = &out[count];
    if (!consumer_report(consumer, now, &totals->ntp, &totals->rtp_timestamp)) continue;
    totals->ssrc = consumer->ssrc;
    totals->packets = (uint32_t)consumer->counters[CONSUMER_packets];
    totals->octets = (uint32_t)consumer->counters[CONSUMER_payload_bytes];
    count++;
  }
  pthread_mutex_unlock(&core->mutex);
  return transport ? (int)count : REFUSED_UNKNOWN;
}

static struct receiver_report report_on(struct encoding *encoding, int64_t now) {
  struct receiver_report report = {
      .ssrc = encoding->ssrc,
      .reception = reception_report(&encoding->reception),
  };
  if (encoding->has_report) {
    int64_t delay_us = (now - encoding->report_at_ns) / 1000;
    report.last_sr = (uint32_t)(encoding->report_ntp >> 16);
    report.delay_since_last_sr = (uint32_t)(delay_us * 65536 / 1000000);
  }
  return report;
}

int core_receiver_reports(struct core *core, int64_t id, struct receiver_report *out,
                          uint32_t room, int64_t now) {
  uint32_t count = 0;
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  struct producer *producer = transport ? transport->producers : NULL;
  for (; producer; producer = producer->next_of_transport)
    for (int layer = 0; layer < LAYERS && count < room; layer++) {
      struct encoding *encoding = producer->encodings[layer];
      if (encoding && encoding->reception.started) out[count++] = report_on(encoding, now);
    }
  pthread_mutex_unlock(&core->mutex);
  return transport ? (int)count : REFUSED_UNKNOWN;
}

int core_audio_levels(struct core *core, struct audio_level *out, uint32_t room) {
  uint32_t count = 0;
  pthread_mutex_lock(&core->mutex);
  for (uint32_t i = 0; i < core->producers.capacity && count < room; i++) {
    struct producer *producer = core->producers.objects[i];
    if (!producer || !producer->has_audio_level) continue;
    out[count++] = (struct audio_level){producer->id, producer->loudest};
    producer->has_audio_level = false;
  }
  pthread_mutex_unlock(&core->mutex);
  return (int)count;
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
    memcpy(out->counters, consumer->counters, sizeof consumer->counters);
  }
  pthread_mutex_unlock(&core->mutex);
  return consumer ? 0 : REFUSED_UNKNOWN;
}
