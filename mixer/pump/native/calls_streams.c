/* See calls_streams.h. */
#include "calls_streams.h"

#include <stdlib.h>
#include <string.h>

#include "busy.h"
#include "consumer.h"
#include "consumer_packet.h"
#include "encoding.h"
#include "notices.h"
#include "payload.h"

/* Producers ------------------------------------------------------------------------------------ */

int64_t core_add_producer(struct core *core, int64_t transport_id,
                          const struct producer_settings *settings) {
  if (settings->clock_rate == 0) return REFUSED_VALUE;
  struct producer *producer = calloc(1, sizeof *producer);
  if (!producer) return REFUSED_MEMORY;
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, transport_id);
  int64_t id = transport ? registry_add(&core->producers, producer) : REFUSED_UNKNOWN;
  if (id > 0) {
    *producer = (struct producer){
        .id = id,
        .transport = transport,
        .codec = settings->codec,
        .clock_rate = settings->clock_rate,
        .nack = settings->nack,
        .feedback_ssrc = settings->feedback_ssrc ? settings->feedback_ssrc : core->feedback_ssrc,
        .next_of_transport = transport->producers,
    };
    level_history_init(&producer->levels);
    if (transport->producers) transport->producers->previous_of_transport = producer;
    transport->producers = producer;
  }
  pthread_mutex_unlock(&core->mutex);
  if (id <= 0) free(producer);
  return id ? id : REFUSED_FULL;
}

/* Takes an SSRC off a transport: its place in the table and its stream in libsrtp. */
static void forget_incoming(struct core *core, struct transport *transport, uint32_t ssrc) {
  ssrc_table_remove(&transport->incoming, ssrc);
  if (transport->rx) core->srtp.remove_stream(transport->rx, htonl(ssrc));
}

static void drop_encoding(struct core *core, struct producer *producer, int layer) {
  struct encoding *encoding = producer->encodings[layer];
  if (!encoding) return;
  for (uint32_t i = 0; i < producer->consumer_count; i++)
    if (producer->consumers[i]->layer == layer)
      consumer_leave_layer(core, producer->consumers[i]);
  forget_incoming(core, producer->transport, encoding->ssrc);
  if (encoding->rtx_ssrc) forget_incoming(core, producer->transport, encoding->rtx_ssrc);
  producer->encodings[layer] = NULL;
  encoding_free(core, encoding);
}

/* Whether the SSRC may be given to this encoding: it is free, unknown so far, or its own. */
static bool ssrc_is_free_for(const struct transport *transport, uint32_t ssrc,
                             const struct encoding *encoding) {
  const struct ssrc_entry *entry = ssrc_table_find(&transport->incoming, ssrc);
  return !entry || !entry->stream || entry->stream == encoding;
}

static void name_ssrc(struct transport *transport, uint32_t ssrc, enum ssrc_role role,
                      struct encoding *encoding) {
  const struct ssrc_entry *entry = ssrc_table_find(&transport->incoming, ssrc);
  if (entry && !entry->stream) transport->admission.unknown_ssrcs--;
  ssrc_table_put(&transport->incoming, ssrc, role, encoding);
}

static void name_encoding(struct core *core, struct encoding *encoding,
                          const struct encoding_settings *settings) {
  struct transport *transport = encoding->producer->transport;
  if (encoding->rtx_ssrc && encoding->rtx_ssrc != settings->rtx_ssrc)
    forget_incoming(core, transport, encoding->rtx_ssrc);
  encoding->ssrc = settings->ssrc;
  encoding->payload_type = settings->payload_type;
  encoding->rtx_ssrc = settings->rtx_ssrc;
  encoding->rtx_payload_type = settings->rtx_payload_type;
  name_ssrc(transport, settings->ssrc, SSRC_MEDIA, encoding);
  if (settings->rtx_ssrc) name_ssrc(transport, settings->rtx_ssrc, SSRC_RTX, encoding);
}

static void count_waiting(struct core *core, struct encoding *encoding, int64_t now) {
  struct producer *producer = encoding->producer;
  encoding->waiting = 0;
  for (uint32_t i = 0; i < producer->consumer_count; i++)
    if (consumer_awaits(producer->consumers[i]) == encoding) encoding->waiting++;
  if (!encoding->waiting) return;
  busy_add(core, encoding);
  want_keyframe(core, encoding, now);
}

static int add_encoding(struct core *core, struct producer *producer,
                        const struct encoding_settings *settings, int64_t now) {
  struct transport *transport = producer->transport;
  struct encoding *encoding = producer->encodings[settings->layer];
  if (!ssrc_is_free_for(transport, settings->ssrc, encoding)) return REFUSED_SSRC_USED;
  if (settings->rtx_ssrc && !ssrc_is_free_for(transport, settings->rtx_ssrc, encoding))
    return REFUSED_SSRC_USED;
  uint32_t named = transport->incoming.count - transport->admission.unknown_ssrcs;
  if (named + 2 > NAMED_SSRCS_MAX) return REFUSED_FULL;
  if (!ssrc_table_reserve(&transport->incoming, named + 2 + UNKNOWN_SSRCS_MAX))
    return REFUSED_MEMORY;
  if (encoding && encoding->ssrc == settings->ssrc) {
    name_encoding(core, encoding, settings);
    return 0;
  }
  struct encoding *added = encoding_new(core, producer, settings->layer);
  if (!added) return REFUSED_MEMORY;
  if (added->h264)
    parameter_sets_take(&added->h264->sets, settings->parameter_sets,
                        settings->parameter_sets_length, 0);
  drop_encoding(core, producer, settings->layer);
  producer->encodings[settings->layer] = added;
  name_encoding(core, added, settings);
  count_waiting(core, added, now);
  return 0;
}

int core_add_encoding(struct core *core, int64_t producer_id,
                      const struct encoding_settings *settings, int64_t now) {
  if (settings->layer < 0 || settings->layer >= LAYERS || settings->ssrc == settings->rtx_ssrc)
    return REFUSED_VALUE;
  pthread_mutex_lock(&core->mutex);
  struct producer *producer = core_producer(core, producer_id);
  int result = producer ? add_encoding(core, producer, settings, now) : REFUSED_UNKNOWN;
  pthread_mutex_unlock(&core->mutex);
  return result;
}

int core_set_producer_paused(struct core *core, int64_t id, bool paused, int64_t now) {
  pthread_mutex_lock(&core->mutex);
  struct producer *producer = core_producer(core, id);
  if (producer && producer->paused != paused) {
    producer->paused = paused;
    for (int layer = 0; paused && layer < LAYERS; layer++)
      if (producer->encodings[layer]) producer->encodings[layer]->has_keyframe = false;
    for (uint32_t i = 0; paused && i < producer->consumer_count; i++)
      consumer_leave_layer(core, producer->consumers[i]);
    for (int layer = 0; !paused && layer < LAYERS; layer++)
      if (producer->encodings[layer] && producer->encodings[layer]->waiting)
        want_keyframe(core, producer->encodings[layer], now);
  }
  pthread_mutex_unlock(&core->mutex);
  return producer ? 0 : REFUSED_UNKNOWN;
}

void remove_producer(struct core *core, struct producer *producer) {
  struct transport *transport = producer->transport;
  while (producer->consumer_count)
    remove_consumer(core, producer->consumers[producer->consumer_count - 1]);
  for (int layer = 0; layer < LAYERS; layer++) drop_encoding(core, producer, layer);
  if (producer->next_of_transport)
    producer->next_of_transport->previous_of_transport = producer->previous_of_transport;
  if (producer->previous_of_transport)
    producer->previous_of_transport->next_of_transport = producer->next_of_transport;
  else
    transport->producers = producer->next_of_transport;
  registry_remove(&core->producers, producer->id);
  free(producer->consumers);
  free(producer);
}

int core_remove_producer(struct core *core, int64_t id) {
  pthread_mutex_lock(&core->mutex);
  struct producer *producer = core_producer(core, id);
  if (producer) remove_producer(core, producer);
  pthread_mutex_unlock(&core->mutex);
  return producer ? 0 : REFUSED_UNKNOWN;
}

/* Consumers ------------------------------------------------------------------------------------ */

/* How many sent packets a consumer can be asked for again: three seconds of video at 300 packets a
 * second, two and a half of sound at 50. */
#define SENT_VIDEO 1024
#define SENT_AUDIO 128

static struct consumer *consumer_new(struct core *core, const struct producer *producer,
                                     const struct consumer_settings *settings) {
  struct consumer *consumer = calloc(1, sizeof *consumer);
  if (!consumer) return NULL;
  consumer->ssrc = settings->ssrc;
  consumer->rtx_ssrc = settings->rtx_ssrc;
  consumer->payload_type = settings->payload_type;
  consumer->rtx_payload_type = settings->rtx_payload_type;
  consumer->mid_length = settings->mid_length;
  memcpy(consumer->mid, settings->mid, settings->mid_length);
  consumer->reports.cname_length = settings->cname_length;
  memcpy(consumer->reports.cname, settings->cname, settings->cname_length);
  consumer->from_past = settings->from_past;
  consumer->layer = consumer->target = consumer->source_layer = -1;
  /* Below 2^15, so that both ends agree on SRTP's rollover counter (RFC 3711 §3.3.1). */
  consumer->last_sequence = core_random(core) & 0x7fff;
  consumer->rtx_sequence = core_random(core) & 0x7fff;
  consumer->sent_size = producer->clock_rate == 90000 ? SENT_VIDEO : SENT_AUDIO;
  consumer->sent = calloc(consumer->sent_size, sizeof *consumer->sent);
  if (consumer->sent) return consumer;
  free(consumer);
  return NULL;
}

static bool was_used(const struct transport *transport, uint32_t ssrc) {
  const struct retired_ssrcs *retired = &transport->retired;
  uint32_t kept = retired->count < RETIRED_SSRCS ? retired->count : RETIRED_SSRCS;
  if (!ssrc) return false;
  if (ssrc_table_find(&transport->outgoing, ssrc)) return true;
  for (uint32_t i = 0; i < kept; i++)
    if (retired->last[i] == ssrc) return true;
  return false;
}

static int make_room(struct core *core, struct producer *producer, struct transport *transport) {
  if (producer->consumer_count == CONSUMERS_PER_PRODUCER) return REFUSED_FULL;
  if (!ssrc_table_reserve(&transport->outgoing, transport->outgoing.count + 2))
    return REFUSED_MEMORY;
  if (transport->extensions.transport_cc && !lines_reserve(core, transport))
    return REFUSED_MEMORY;
  if (producer->consumer_count < producer->consumer_room) return 0;
  uint32_t room = producer->consumer_room ? 2 * producer->consumer_room : 8;
  struct consumer **grown = realloc(producer->consumers, room * sizeof(*grown));
  if (!grown) return REFUSED_MEMORY;
  producer->consumers = grown;
  producer->consumer_room = room;
  return 0;
}

static void link_consumer(struct consumer *consumer, struct producer *producer,
                          struct transport *transport) {
  consumer->producer = producer;
  consumer->transport = transport;
  producer->consumers[producer->consumer_count++] = consumer;
  consumer->next_of_transport = transport->consumers;
  if (transport->consumers) transport->consumers->previous_of_transport = consumer;
  transport->consumers = consumer;
  ssrc_table_put(&transport->outgoing, consumer->ssrc, SSRC_MEDIA, consumer);
  if (consumer->rtx_ssrc)
    ssrc_table_put(&transport->outgoing, consumer->rtx_ssrc, SSRC_RTX, consumer);
  consumer_build_extensions(consumer);
}

static int64_t add_consumer(struct core *core, int64_t producer_id, int64_t transport_id,
                            const struct consumer_settings *settings) {
  struct producer *producer = core_producer(core, producer_id);
  struct transport *transport = core_transport(core, transport_id);
  if (!producer || !transport) return REFUSED_UNKNOWN;
  if (was_used(transport, settings->ssrc) || was_used(transport, settings->rtx_ssrc))
    return REFUSED_SSRC_USED;
  int refusal = make_room(core, producer, transport);
  if (refusal) return refusal;
  struct consumer *consumer = consumer_new(core, producer, settings);
  if (!consumer) return REFUSED_MEMORY;
  consumer->id = registry_add(&core->consumers, consumer);
  if (consumer->id) {
    link_consumer(consumer, producer, transport);
    reports_look(core);
    return consumer->id;
  }
  free(consumer->sent);
  free(consumer);
  return REFUSED_FULL;
}

int64_t core_add_consumer(struct core *core, int64_t producer_id, int64_t transport_id,
                          const struct consumer_settings *settings) {
  if (settings->mid_length > sizeof((struct consumer *)0)->mid ||
      settings->cname_length > CNAME_MAX || settings->ssrc == settings->rtx_ssrc)
    return REFUSED_VALUE;
  pthread_mutex_lock(&core->mutex);
  int64_t id = add_consumer(core, producer_id, transport_id, settings);
  pthread_mutex_unlock(&core->mutex);
  return id;
}

int core_set_consumer_layer(struct core *core, int64_t id, int layer, int64_t now) {
  if (layer < -1 || layer >= LAYERS) return REFUSED_VALUE;
  pthread_mutex_lock(&core->mutex);
  struct consumer *consumer = core_consumer(core, id);
  if (consumer) consumer_set_target(core, consumer, layer, now);
  pthread_mutex_unlock(&core->mutex);
  return consumer ? 0 : REFUSED_UNKNOWN;
}

static void retire(struct core *core, struct transport *transport, uint32_t ssrc) {
  if (!ssrc) return;
  ssrc_table_remove(&transport->outgoing, ssrc);
  if (transport->tx) core->srtp.remove_stream(transport->tx, htonl(ssrc));
  transport->retired.last[transport->retired.count++ % RETIRED_SSRCS] = ssrc;
}

void remove_consumer(struct core *core, struct consumer *consumer) {
  struct producer *producer = consumer->producer;
  struct transport *transport = consumer->transport;
  consumer_set_target(core, consumer, -1, 0);
  uint32_t place = 0;
  while (producer->consumers[place] != consumer) place++;
  producer->consumers[place] = producer->consumers[--producer->consumer_count];
  if (consumer->next_of_transport)
    consumer->next_of_transport->previous_of_transport = consumer->previous_of_transport;
  if (consumer->previous_of_transport)
    consumer->previous_of_transport->next_of_transport = consumer->next_of_transport;
  else
    transport->consumers = consumer->next_of_transport;
  retire(core, transport, consumer->ssrc);
  retire(core, transport, consumer->rtx_ssrc);
  registry_remove(&core->consumers, consumer->id);
  free(consumer->sent);
  free(consumer);
}

int core_remove_consumer(struct core *core, int64_t id) {
  pthread_mutex_lock(&core->mutex);
  struct consumer *consumer = core_consumer(core, id);
  if (consumer) remove_consumer(core, consumer);
  pthread_mutex_unlock(&core->mutex);
  return consumer ? 0 : REFUSED_UNKNOWN;
}
