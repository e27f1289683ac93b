/* Owns one incoming stream: placing each packet in its sequence, noticing loss, keeping the history
 * and handing the packet to every consumer of the producer. */
#include <stdlib.h>

#include "clock.h"
#include "core.h"
#include "payload.h"
#include "read_ahead.h"

/* So long without a packet, a layer counts as stopped: a still screen sends about one frame a
 * second. mixer/forward/layers.py goes by the same. */
#define LAYER_SILENT_NS (2 * SECOND_NS)

static void discard(struct encoding *encoding) {
  history_free(&encoding->history);
  free(encoding->missing);
  free(encoding->h264);
  free(encoding);
}

struct encoding *encoding_new(struct core *core, struct producer *producer, int layer) {
  struct encoding *encoding = calloc(1, sizeof *encoding);
  if (!encoding) return NULL;
  bool is_video = producer->clock_rate == 90000; /* the rate of every video payload format */
  encoding->producer = producer;
  encoding->layer = layer;
  encoding->generation = ++core->generations;
  bool is_h264 = producer->codec == CODEC_H264;
  if (producer->nack) encoding->missing = malloc(sizeof *encoding->missing);
  if (encoding->missing) missing_init(encoding->missing);
  if (is_h264) encoding->h264 = malloc(sizeof *encoding->h264);
  if (encoding->h264) h264_stream_init(encoding->h264);
  if (history_init(&encoding->history, is_video) && (!producer->nack || encoding->missing) &&
      (!is_h264 || encoding->h264))
    return encoding;
  discard(encoding);
  return NULL;
}

void encoding_free(struct core *core, struct encoding *encoding) {
  if (!encoding) return;
  for (struct encoding **link = &core->busy; *link; link = &(*link)->next_busy) {
    if (*link != encoding) continue;
    *link = encoding->next_busy;
    break;
  }
  discard(encoding);
}

void encoding_make_busy(struct core *core, struct encoding *encoding) {
  if (encoding->is_busy) return;
  encoding->is_busy = true;
  encoding->next_busy = core->busy;
  core->busy = encoding;
}

void encoding_take_report(struct core *core, struct encoding *encoding, uint64_t ntp,
                          uint32_t timestamp, int64_t arrival_ns, int64_t now) {
  encoding->has_report = ntp != 0; /* 0: a sender without a wall clock (RFC 3550 §6.4.1) */
  encoding->report_ntp = ntp;
  encoding->report_timestamp = timestamp;
  encoding->report_at_ns = arrival_ns;
  reports_encoding_reported(core, encoding, now);
}

/* The source began a new sequence under the same SSRC: consumers join it as a new layer. */
static void restart(struct core *core, struct encoding *encoding) {
  struct producer *producer = encoding->producer;
  encoding->generation = ++core->generations;
  encoding->counters[ENCODING_restarts]++;
  encoding->has_report = false;
  encoding->has_picture_timestamp = false;
  if (encoding->missing) encoding->missing->count = 0;
  for (uint32_t i = 0; i < producer->consumer_count; i++)
    if (producer->consumers[i]->layer == encoding->layer)
      consumer_leave_layer(core, producer->consumers[i]);
}

static bool place(struct core *core, struct encoding *encoding, const struct rtp_packet *packet,
                  bool repaired, int64_t now, struct media *media) {
  uint64_t expected = encoding->reception.highest + 1;
  bool had_started = encoding->reception.started;
  media->newest = true;
  switch (reception_place(&encoding->reception, packet->sequence, repaired, &media->sequence)) {
    case ARRIVAL_NEWEST:
      if (!encoding->missing || !had_started || media->sequence == expected) return true;
      if (!missing_add(encoding->missing, expected, media->sequence, now))
        encoding->keyframe_wanted = true;
      core->has_new_losses = true;
      encoding_make_busy(core, encoding);
      return true;
    case ARRIVAL_LATE:
      media->newest = false;
      encoding->counters[ENCODING_late]++;
      if (encoding->missing && missing_remove(encoding->missing, media->sequence, now))
        encoding->counters[ENCODING_recovered]++;
      return true;
    case ARRIVAL_RESTART:
      restart(core, encoding);
      return true;
    case ARRIVAL_DUPLICATE:
      encoding->counters[ENCODING_duplicates]++;
      core_count(core, COUNTER_drop_duplicate);
      return false;
    default:
      core_count(core, COUNTER_drop_sequence_jump);
      return false;
  }
}

static struct picture read_picture(struct encoding *encoding, const struct media *media,
                                   bool after_gap) {
  uint32_t size = encoding->vp8_size;
  struct picture picture = {0};
  if (encoding->h264) return h264_stream_take(encoding->h264, media, after_gap);
  if (encoding->producer->codec != CODEC_VP8) return picture;
  picture = vp8_read(media->payload, media->payload_length, &size);
  encoding->size_changes += size != encoding->vp8_size;
  encoding->vp8_size = size;
  return picture;
}

/* A picture that is shown before one that came before it: live pictures come in order, unless their
 * encoder made some of them from later ones (B-frames). */
static void note_picture(struct encoding *encoding, uint32_t timestamp) {
  bool is_back =
      encoding->has_picture_timestamp && (int32_t)(timestamp - encoding->picture_timestamp) < 0;
  encoding->counters[ENCODING_pictures_back] += is_back;
  encoding->has_picture_timestamp = true;
  encoding->picture_timestamp = timestamp;
}

static void describe(struct encoding *encoding, const struct rtp_packet *packet, bool after_gap,
                     struct media *media) {
  media->timestamp = packet->timestamp;
  media->marker = packet->marker;
  media->payload = packet->payload;
  media->payload_length = packet->payload_length;
  media->has_audio_level = packet->has_audio_level;
  media->audio_level = packet->audio_level;
  media->has_orientation = packet->has_orientation;
  media->orientation = packet->orientation;
  media->picture = read_picture(encoding, media, after_gap);
  if (media->newest) note_picture(encoding, packet->timestamp);
}

/* Media of a layer begins, or begins again after a silence. */
static void tell_beginning(struct core *core, const struct encoding *encoding,
                           const struct media *media, int64_t now) {
  int64_t last_ns = (int64_t)encoding->counters[ENCODING_last_packet_ns];
  bool is_first = !encoding->counters[ENCODING_payload_bytes] || now - last_ns > LAYER_SILENT_NS;
  if (is_first && media->payload_length)
    tell_layer(core, EVENT_FIRST_PACKET, encoding->producer->id, encoding->layer);
}

static void hear(struct core *core, struct producer *producer, uint8_t level) {
  if (!producer->has_audio_level || level < producer->loudest) producer->loudest = level;
  producer->has_audio_level = true;
  if (level < VOICE_LEVEL && !producer->is_loud) producer->is_loud = tell_voice(core, producer);
}

static void count(struct core *core, struct encoding *encoding, const struct media *media,
                  int64_t now) {
  encoding->counters[ENCODING_packets]++;
  encoding->counters[ENCODING_bytes] += media->payload_length + RTP_HEADER_BYTES;
  encoding->counters[ENCODING_payload_bytes] += media->payload_length;
  encoding->counters[ENCODING_pictures] += media->marker;
  encoding->counters[ENCODING_last_packet_ns] = (uint64_t)now;
  if (media->picture.starts_keyframe) {
    encoding->counters[ENCODING_keyframes]++;
    encoding->keyframe_wanted = false;
  }
  if (media->has_audio_level) hear(core, encoding->producer, media->audio_level & 0x7f);
}

/* Whoever has the layer is sent the parameter sets that this keyframe does not bring; who only joins
 * it now gets them then. */
static void put_sets_in_front(struct core *core, struct encoding *encoding,
                              const struct media *media, int64_t now) {
  const struct producer *producer = encoding->producer;
  uint32_t room = OUTBOX_PACKETS - core->outbox->packet_count;
  if (room < 2 * producer->consumer_count) return; /* the keyframe goes before; they have had them */
  for (uint32_t i = 0; i < producer->consumer_count; i++)
    if (producer->consumers[i]->layer == encoding->layer)
      consumer_send_sets(core, producer->consumers[i], encoding, media, now);
}

/* Of one batch's packets the first alone finds the consumers' state gone from the caches. */
static void hand_on(struct core *core, struct encoding *encoding, const struct media *media,
                    bool is_first, int64_t now) {
  const struct producer *producer = encoding->producer;
  if (is_first) read_ahead_begin(producer);
  for (uint32_t i = 0; i < producer->consumer_count; i++) {
    if (is_first) read_ahead(producer, i);
    consumer_take(core, producer->consumers[i], encoding, media, now);
  }
}

void encoding_receive(struct core *core, struct encoding *encoding,
                      const struct rtp_packet *packet, bool repaired, int64_t arrival_ns,
                      int64_t now) {
  struct producer *producer = encoding->producer;
  struct media media;
  uint64_t expected = encoding->reception.highest + 1;
  if (!place(core, encoding, packet, repaired, now, &media)) return;
  if (!repaired)
    reception_measure_jitter(&encoding->reception, packet->timestamp,
                             rtp_ticks(arrival_ns, producer->clock_rate));
  describe(encoding, packet, media.sequence != expected, &media);
  bool is_first = encoding->counters[ENCODING_last_packet_ns] != (uint64_t)now;
  tell_beginning(core, encoding, &media, now);
  count(core, encoding, &media, now);
  if (!media.payload_length) core_count(core, COUNTER_padding_packets);
  if (!history_put(&encoding->history, &media, now)) core_count(core, COUNTER_drop_history_full);
  if (producer->paused) {
    core_count(core, COUNTER_drop_producer_paused);
    return;
  }
  if (media.picture.sets == SETS_LACKING) put_sets_in_front(core, encoding, &media, now);
  hand_on(core, encoding, &media, is_first, now);
}
