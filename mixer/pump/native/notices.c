/* See notices.h. */
#include "notices.h"

#include "payload.h"

/* A keyframe costs the publisher many times a common picture; asking again sooner than this only
 * makes a bad line worse. Before the publisher is asked there is a second gate, of the same half
 * second: INTERVAL_S in forward/keyframes.py, which joins this with what others ask for. */
#define KEYFRAME_SPACING_NS (500 * MILLISECOND_NS)

static bool put(struct core *core, struct event *event, const void *data) {
  bool is_put = event_ring_put(&core->events, event, data);
  core_count(core, is_put ? COUNTER_events : COUNTER_drop_event_ring_full);
  return is_put;
}

void tell_datagram(struct core *core, const struct transport *transport,
                   const struct address *from, const struct address *to, const uint8_t *data,
                   uint32_t length, int64_t arrival_ns) {
  struct event event = {
      .type = EVENT_DATAGRAM,
      .id = transport ? transport->id : 0,
      .from = *from,
      .to = *to,
      .arrival_ns = arrival_ns,
      .data_length = (uint16_t)length,
  };
  put(core, &event, data);
}

void tell_rtcp(struct core *core, const struct transport *transport, const uint8_t *data,
               uint32_t length, int64_t arrival_ns) {
  struct event event = {
      .type = EVENT_RTCP,
      .id = transport->id,
      .arrival_ns = arrival_ns,
      .data_length = (uint16_t)length,
  };
  put(core, &event, data);
}

void tell_new_ssrc(struct core *core, const struct transport *transport,
                   const struct rtp_packet *packet) {
  const struct identifier *identifiers[3] = {&packet->mid, &packet->rid, &packet->repaired_rid};
  uint8_t text[3 * IDENTIFIER_MAX];
  struct event event = {
      .type = EVENT_NEW_SSRC,
      .id = transport->id,
      .ssrc = packet->ssrc,
      .payload_type = packet->payload_type,
  };
  for (int i = 0; i < 3; i++) {
    if (identifiers[i]->length)
      memcpy(text + event.data_length, identifiers[i]->text, identifiers[i]->length);
    event.identifier_lengths[i] = identifiers[i]->length;
    event.data_length = (uint16_t)(event.data_length + identifiers[i]->length);
  }
  put(core, &event, text);
}

bool tell_line(struct core *core, const struct transport *transport) {
  struct event event = {.type = EVENT_LINE, .id = transport->id};
  return put(core, &event, NULL);
}

void tell_layer(struct core *core, enum event_type type, int64_t id, int layer) {
  struct event event = {.type = (uint16_t)type, .id = id, .layer = (int16_t)layer};
  put(core, &event, NULL);
}

bool tell_voice(struct core *core, const struct producer *producer) {
  struct event event = {.type = EVENT_VOICE, .id = producer->id};
  return put(core, &event, NULL);
}

int64_t want_keyframe(struct core *core, struct encoding *encoding, int64_t now) {
  if (encoding->producer->paused || codec_joins_anywhere(encoding->producer->codec))
    return INT64_MAX;
  if (!encoding->unanswered_ns) encoding->unanswered_ns = now;
  if (!encoding->keyframe_asked || now - encoding->keyframe_asked_ns >= KEYFRAME_SPACING_NS) {
    encoding->keyframe_asked = true;
    encoding->keyframe_asked_ns = now;
    tell_layer(core, EVENT_KEYFRAME_NEEDED, encoding->producer->id, encoding->layer);
  }
  return encoding->keyframe_asked_ns + KEYFRAME_SPACING_NS;
}
