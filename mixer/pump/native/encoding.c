/* See encoding.h. */
#include "encoding.h"

#include <stdlib.h>

#include "busy.h"
#include "clock.h"
#include "consumer.h"
#include "notices.h"
#include "payload.h"
#include "read_ahead.h"

/* So long without a packet, a layer may have stopped: a still screen sends about one frame a second.
 * mixer/forward/pace.py knows more of it; what begins again is told of in any case. */
#define LAYER_SILENT_NS (2 * SECOND_NS)
/* A source that was asked for a keyframe and gave none for so long gives them by its own clock. */
#define ANSWER_NS SECOND_NS
/* A camera answers no request for a keyframe; who sends it on sends its last group of pictures again,
 * squeezed in between two live ones: 0.1 ms each (OutLayer.group of the room agent). No live picture
 * follows another within a millisecond (in ticks of the timestamp). Nor has a group more packets:
 * what goes on like that has a clock that stands still. */
#define PAST_STEP_MAX 90
#define PAST_PACKETS_MAX 6000
/* In ticks of the timestamp, two seconds: further back is a clock that was set, not a late picture. */
#define BACK_MAX 180000

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
  busy_forget(core, encoding);
  discard(encoding);
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
  encoding->has_report = encoding->has_keyframe = false;
  encoding->has_picture = encoding->is_back = encoding->lacks_picture = false;
  encoding->is_past = false;
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
      busy_add(core, encoding);
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

/* Whether the newest packet's picture is to be shown before one that came before it. Live pictures
 * come in order, unless their encoder makes some of them from later ones (B-frames); never does one
 * that needs no other (H.264 §8.2.1). */
static bool is_back(struct encoding *encoding, uint32_t timestamp, bool is_idr) {
  if (encoding->has_picture && encoding->picture_timestamp == timestamp) return encoding->is_back;
  int32_t ahead = (int32_t)(timestamp - encoding->front_timestamp);
  bool was_back = encoding->is_back;
  encoding->is_past = encoding->has_picture && ahead > 0 && ahead < PAST_STEP_MAX;
  if (!encoding->is_past) encoding->past_packets = 0;
  encoding->is_back = encoding->has_picture && !is_idr && ahead < 0 && ahead > -BACK_MAX;
  if (!encoding->is_back) encoding->front_timestamp = timestamp;
  encoding->has_picture = true;
  encoding->picture_timestamp = timestamp;
  encoding->counters[ENCODING_steps_back] += encoding->is_back && !was_back;
  return encoding->is_back;
}

/* A viewer's browser shows no picture that is late, and asks for a keyframe when it meets one. So
 * they are left out; where others are made from them, those too, up to the next keyframe. */
static bool is_needless(struct encoding *encoding, const struct media *media) {
  if (!media->payload_length) return true;
  if (!encoding->h264 || !media->newest) return false;
  enum h264_role role = h264_role(media->payload, media->payload_length);
  bool is_idr = role == H264_ROLE_IDR || media->picture.starts_keyframe;
  bool is_late = is_back(encoding, media->timestamp, is_idr);
  if (is_idr) encoding->lacks_picture = false;
  if (is_late && role == H264_ROLE_REFERENCE) encoding->lacks_picture = true;
  return encoding->lacks_picture || (is_late && role == H264_ROLE_UNREFERENCED);
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
  if (encoding->h264) media->marker = h264_stream_marks(encoding->h264, media, after_gap);
  media->is_needless = is_needless(encoding, media);
}

/* Media of a layer begins, or begins again after a silence. */
static void tell_beginning(struct core *core, const struct encoding *encoding,
                           const struct media *media, int64_t now) {
  int64_t last_ns = (int64_t)encoding->counters[ENCODING_last_packet_ns];
  bool is_first = !encoding->counters[ENCODING_payload_bytes] || now - last_ns > LAYER_SILENT_NS;
  if (is_first && media->payload_length)
    tell_layer(core, EVENT_FIRST_PACKET, encoding->producer->id, encoding->layer);
}

static void hear(struct core *core, struct producer *producer, uint8_t level, int64_t now) {
  level_history_hear(&producer->levels, level, now);
  if (!producer->has_audio_level || level < producer->loudest) producer->loudest = level;
  producer->has_audio_level = true;
  if (level < VOICE_LEVEL && !producer->is_loud) producer->is_loud = tell_voice(core, producer);
}

/* Of a source that gives keyframes by its own clock what came since the last is kept, for readers that
 * begin with it. */
static void note_keyframe(struct encoding *encoding, const struct media *media, int64_t now) {
  bool is_deaf = encoding->unanswered_ns && now - encoding->unanswered_ns > ANSWER_NS;
  bool was_asked = encoding->unanswered_ns;
  encoding->unanswered_ns = 0;
  encoding->keyframe_wanted = false;
  if (encoding->producer->paused) return; /* what nobody may see is not seen later either */
  if (encoding->has_keyframe && media->sequence < encoding->keyframe_sequence) return;
  encoding->has_keyframe = true;
  encoding->keyframe_sequence = media->sequence;
  encoding->keyframe_ns = now;
  if (is_deaf || (encoding->history.kept_since_ns && !was_asked))
    encoding->history.kept_since_ns = now;
  else
    encoding->history.kept_since_ns = 0;
}

static void count(struct core *core, struct encoding *encoding, const struct media *media,
                  int64_t now) {
  encoding->counters[ENCODING_packets]++;
  encoding->counters[ENCODING_bytes] += media->payload_length + RTP_HEADER_BYTES;
  encoding->counters[ENCODING_payload_bytes] += media->payload_length;
  if (encoding->is_past && encoding->past_packets++ < PAST_PACKETS_MAX)
    encoding->past_bytes += media->payload_length + RTP_HEADER_BYTES;
  encoding->counters[ENCODING_pictures] += media->marker;
  int64_t last_ns = (int64_t)encoding->counters[ENCODING_last_packet_ns];
  if (last_ns && now - last_ns > encoding->longest_pause_ns)
    encoding->longest_pause_ns = now - last_ns;
  encoding->counters[ENCODING_last_packet_ns] = (uint64_t)now;
  if (media->picture.starts_keyframe) {
    encoding->counters[ENCODING_keyframes]++;
    note_keyframe(encoding, media, now);
  }
  if (media->has_audio_level) hear(core, encoding->producer, media->audio_level & 0x7f, now);
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
  else if (media.is_needless) core_count(core, COUNTER_unshowable_packets);
  if (!history_put(&encoding->history, &media, now)) core_count(core, COUNTER_drop_history_full);
  if (producer->paused) {
    core_count(core, COUNTER_drop_producer_paused);
    return;
  }
  if (media.picture.sets == SETS_LACKING) put_sets_in_front(core, encoding, &media, now);
  hand_on(core, encoding, &media, is_first, now);
}
