/* See consumer.h. */
#include "consumer.h"

#include "busy.h"
#include "clock.h"
#include "consumer_packet.h"
#include "egress.h"
#include "notices.h"
#include "payload.h"

/* A late keyframe start is joined when the picture's rest is in the history; more than this behind
 * the newest packet, a fresh keyframe is better. */
#define CATCH_UP_MAX 128

/* So long ago a keyframe may have come that a reader begins with: below what recorder/track.py takes
 * for a sender that counts anew. */
#define PAST_MAX_NS (8 * SECOND_NS)

struct encoding *consumer_awaits(const struct consumer *consumer) {
  if (consumer->target < 0 || consumer->target == consumer->layer) return NULL;
  return consumer->producer->encodings[consumer->target];
}

static void change(struct core *core, struct consumer *consumer, int layer, int target) {
  struct encoding *awaited = consumer_awaits(consumer);
  if (awaited) awaited->waiting--;
  consumer->layer = layer;
  consumer->target = target;
  awaited = consumer_awaits(consumer);
  if (awaited) {
    awaited->waiting++;
    busy_add(core, awaited);
  }
}

void consumer_leave_layer(struct core *core, struct consumer *consumer) {
  change(core, consumer, -1, consumer->target);
}

void consumer_set_target(struct core *core, struct consumer *consumer, int layer, int64_t now) {
  change(core, consumer, layer < 0 ? -1 : consumer->layer, layer);
  struct encoding *awaited = consumer_awaits(consumer);
  if (awaited) want_keyframe(core, awaited, now);
}

/* Timestamps: one clock for all layers. Each layer's sender reports tie its RTP clock to the
 * publisher's wall clock; where both layers have one, the tie is exact, else time of arrival. */
static uint32_t align(const struct consumer *consumer, const struct encoding *to,
                      const struct media *media, int64_t now) {
  uint32_t rate = consumer->producer->clock_rate;
  const struct encoding *from = consumer->producer->encodings[consumer->source_layer];
  uint32_t guess = consumer->last_timestamp + rtp_ticks(now - consumer->last_sent_ns, rate) -
                   media->timestamp;
  if (!from || from->generation != consumer->source_generation) return guess;
  if (!from->has_report || !to->has_report) return guess;
  int64_t apart = (int64_t)(to->report_ntp - from->report_ntp); /* 32.32 seconds */
  if (apart > INT64_C(60) << 32 || apart < -(INT64_C(60) << 32)) return guess;
  uint32_t exact = consumer->timestamp_delta + from->report_timestamp - to->report_timestamp +
                   (uint32_t)(apart * (int64_t)rate >> 32);
  int32_t off = (int32_t)(exact - guess);
  bool plausible = off < (int32_t)rate && off > -(int32_t)rate; /* a second: else the reports lie */
  return plausible ? exact : guess;
}

static void join_timestamps(struct consumer *consumer, const struct encoding *encoding,
                            const struct media *media, int64_t now) {
  bool same_clock = consumer->source_layer == encoding->layer &&
                    consumer->source_generation == encoding->generation;
  if (consumer->has_sent && !same_clock) {
    consumer->timestamp_delta = align(consumer, encoding, media, now);
    int32_t ahead =
        (int32_t)(media->timestamp + consumer->timestamp_delta - consumer->last_timestamp);
    if (ahead <= 0) consumer->timestamp_delta += 1u + (uint32_t)-(int64_t)ahead;
  }
  consumer->source_layer = encoding->layer;
  consumer->source_generation = encoding->generation;
}

static void join_pictures(struct consumer *consumer, const struct picture *picture) {
  if (!consumer->has_sent) return;
  if (picture->picture_id_at)
    consumer->picture_id_delta =
        (uint16_t)(consumer->last_picture_id + 1 - picture->picture_id);
  if (picture->tl0_index_at)
    consumer->tl0_index_delta = (uint8_t)(consumer->last_tl0_index + 1 - picture->tl0_index);
}

static void join(struct core *core, struct consumer *consumer, const struct encoding *encoding,
                 const struct media *media, int64_t now) {
  join_timestamps(consumer, encoding, media, now);
  join_pictures(consumer, &media->picture);
  sequence_map_begin(&consumer->map, media->sequence, (uint16_t)(consumer->last_sequence + 1));
  change(core, consumer, encoding->layer, consumer->target);
  consumer->counters[CONSUMER_switches]++;
  reports_soon(core, consumer, now);
  tell_layer(core, EVENT_LAYER_SWITCHED, consumer->id, encoding->layer);
}

struct sent_packet *consumer_sent(const struct consumer *consumer, uint16_t outgoing) {
  return &consumer->sent[outgoing & (consumer->sent_size - 1)];
}

/* NULL: so late that its place is a newer packet's. */
static struct sent_packet *remember(struct consumer *consumer, const struct encoding *encoding,
                                    const struct media *media, const struct mapping *mapping) {
  int16_t behind = (int16_t)(consumer->last_sequence - mapping->sequence);
  if (behind >= (int32_t)consumer->sent_size) return NULL;
  struct sent_packet *sent = consumer_sent(consumer, mapping->sequence);
  *sent = (struct sent_packet){
      .sequence = media->sequence,
      .generation = encoding->generation,
      .timestamp_delta = mapping->timestamp_delta,
      .outgoing = mapping->sequence,
      .picture_id_delta = mapping->picture_id_delta,
      .tl0_index_delta = mapping->tl0_index_delta,
      .layer = (int8_t)encoding->layer,
      .header_version = consumer->header_version,
      .is_used = true,
  };
  return sent;
}

/* Where a switch will have to go on from: the highest number sent so far. */
static void note_highest(struct consumer *consumer, const struct media *media,
                         const struct mapping *mapping, int64_t now) {
  const struct picture *picture = &media->picture;
  if (consumer->has_sent && (int16_t)(mapping->sequence - consumer->last_sequence) <= 0) return;
  uint32_t timestamp = media->timestamp + mapping->timestamp_delta;
  if (!consumer->has_sent || (int32_t)(timestamp - consumer->last_timestamp) > 0)
    consumer->last_timestamp = timestamp;
  consumer->last_sequence = mapping->sequence;
  consumer->last_sent_ns = now;
  consumer->has_sent = true;
  if (picture->picture_id_at) {
    uint16_t mask = (uint16_t)((1u << picture->picture_id_bits) - 1);
    consumer->last_picture_id = (uint16_t)(picture->picture_id + mapping->picture_id_delta) & mask;
  }
  if (picture->tl0_index_at)
    consumer->last_tl0_index = (uint8_t)(picture->tl0_index + mapping->tl0_index_delta);
}

/* A packet that is written leaves; returns its bytes on the wire, 0 when it was dropped. */
static uint32_t let_go(struct core *core, struct consumer *consumer, struct packet_index *index,
                       struct out_packet *packet, uint32_t length,
                       const struct departure *departure, int64_t now) {
  struct transport *transport = consumer->transport;
  consumer_stamp(consumer, departure, packet->bytes);
  length = transport_send_rtp(core, transport, index, packet, length);
  if (!length) return 0;
  if (consumer->transport_sequence_at && transport->sensing.line)
    line_depart(transport->sensing.line, departure->transport_sequence, length, now);
  consumer->counters[CONSUMER_bytes] += length;
  return length;
}

uint32_t consumer_send(struct core *core, struct consumer *consumer, const struct media *media,
                       const struct mapping *mapping, struct sent_packet *sent,
                       enum sending sending, int64_t now) {
  struct transport *transport = consumer->transport;
  struct out_packet *packet = outbox_next(core->outbox);
  if (!transport_can_send(core, transport)) return 0;
  if (!packet) {
    core_count(core, COUNTER_drop_outbox_full);
    return 0;
  }
  struct departure departure =
      sending == SEND_AGAIN ? sent->departure : consumer_depart(consumer, now);
  if (sending == SEND_FIRST && sent) sent->departure = departure;
  bool as_rtx = sending == SEND_RTX;
  uint32_t length = consumer_write(consumer, media, mapping, as_rtx, packet->bytes);
  struct packet_index *index = as_rtx ? &consumer->rtx_index : &consumer->index;
  return let_go(core, consumer, index, packet, length, &departure, now);
}

uint32_t consumer_send_padding(struct core *core, struct consumer *consumer, int64_t now) {
  struct out_packet *packet = outbox_next(core->outbox);
  if (!packet || !transport_can_send(core, consumer->transport)) return 0;
  struct departure departure = consumer_depart(consumer, now);
  uint32_t length = consumer_write_padding(consumer, packet->bytes);
  return let_go(core, consumer, &consumer->rtx_index, packet, length, &departure, now);
}

void consumer_send_sets(struct core *core, struct consumer *consumer,
                        const struct encoding *encoding, const struct media *media, int64_t now) {
  const struct parameter_sets *sets = &encoding->h264->sets;
  if (!parameter_sets_ready(sets)) return;
  struct mapping mapping = {
      .sequence = sequence_map_insert(&consumer->map, media->sequence),
      .timestamp_delta = consumer->timestamp_delta,
  };
  struct media first = media_of_sets(sets, media);
  struct sent_packet *sent = remember(consumer, encoding, media, &mapping);
  if (sent) sent->sets_version = sets->version;
  note_highest(consumer, &first, &mapping, now);
  if (!consumer_send(core, consumer, &first, &mapping, sent, SEND_FIRST, now)) return;
  core_count(core, COUNTER_parameter_sets_sent);
  consumer->counters[CONSUMER_packets]++;
  consumer->counters[CONSUMER_payload_bytes] += first.payload_length;
}

/* Local readers record and decode pictures in any order. */
static bool takes_all(const struct consumer *consumer, const struct media *media) {
  return consumer->transport->plain && media->payload_length;
}

static void forward(struct core *core, struct consumer *consumer, struct encoding *encoding,
                    const struct media *media, int64_t now) {
  struct mapping mapping = {
      .timestamp_delta = consumer->timestamp_delta,
      .picture_id_delta = consumer->picture_id_delta,
      .tl0_index_delta = consumer->tl0_index_delta,
  };
  if (!sequence_map_find(&consumer->map, media->sequence, &mapping.sequence)) {
    core_count(core, COUNTER_drop_before_switch);
    return;
  }
  if (media->is_needless && media->newest && !takes_all(consumer, media)) { /* the gap is closed */
    sequence_map_skip(&consumer->map, media->sequence);
    return;
  }
  struct sent_packet *sent = remember(consumer, encoding, media, &mapping);
  note_highest(consumer, media, &mapping, now);
  if (!consumer_send(core, consumer, media, &mapping, sent, SEND_FIRST, now)) return;
  core_count(core, COUNTER_forwarded_packets);
  repair_budget_earn(&consumer->transport->repairs, media->payload_length);
  consumer->counters[CONSUMER_packets]++;
  consumer->counters[CONSUMER_payload_bytes] += media->payload_length;
  consumer->counters[CONSUMER_last_packet_ns] = (uint64_t)now;
}

static bool may_join(const struct encoding *encoding, const struct media *media) {
  if (media->payload_length == 0) return false;
  if (codec_joins_anywhere(encoding->producer->codec)) return media->newest;
  return media->picture.starts_keyframe &&
         encoding->reception.highest - media->sequence <= CATCH_UP_MAX;
}

/* A keyframe start that came late: what was received after it follows from the history. */
static void catch_up(struct core *core, struct consumer *consumer, struct encoding *encoding,
                     uint64_t after, int64_t now) {
  struct media media;
  for (uint64_t sequence = after + 1; sequence <= encoding->reception.highest; sequence++) {
    if (!history_get(&encoding->history, sequence, &media)) continue;
    media.newest = true; /* to this consumer it is */
    if (media.picture.sets == SETS_LACKING)
      consumer_send_sets(core, consumer, encoding, &media, now);
    forward(core, consumer, encoding, &media, now);
  }
}

static void begin(struct core *core, struct consumer *consumer, struct encoding *encoding,
                  const struct media *media, int64_t now) {
  struct media first = *media;
  first.newest = true; /* to this consumer it is */
  join(core, consumer, encoding, &first, now);
  if (media->picture.sets != SETS_THERE) consumer_send_sets(core, consumer, encoding, &first, now);
  forward(core, consumer, encoding, &first, now);
  catch_up(core, consumer, encoding, media->sequence, now);
}

void consumer_join_past(struct core *core, struct consumer *consumer, struct encoding *encoding,
                        int64_t now) {
  struct media media;
  uint64_t count = encoding->reception.highest - encoding->keyframe_sequence + 1;
  if (!consumer->from_past || consumer_awaits(consumer) != encoding) return;
  consumer->from_past = false;
  if (!encoding->has_keyframe || encoding->producer->paused) return;
  if (now - encoding->keyframe_ns > PAST_MAX_NS) return;
  /* Each may have parameter sets put in front of it. */
  if (2 * count > OUTBOX_PACKETS - core->outbox->packet_count) return;
  if (!history_get(&encoding->history, encoding->keyframe_sequence, &media)) return;
  begin(core, consumer, encoding, &media, now);
}

void consumer_take(struct core *core, struct consumer *consumer, struct encoding *encoding,
                   const struct media *media, int64_t now) {
  if (consumer->layer != encoding->layer) {
    if (consumer->target != encoding->layer || !may_join(encoding, media)) return;
    begin(core, consumer, encoding, media, now);
    return;
  }
  forward(core, consumer, encoding, media, now);
}
