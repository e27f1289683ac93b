/* See reports.h. */
#include "clock.h"
#include "core.h"

/* Left in the outbox for what one transport may be due: feedback, and reports. The rest of the
 * transports waits for the next round of the thread. */
#define ROOM_FOR_ONE 64

static void due_by(struct core *core, int64_t when) {
  int64_t earliest = core->reporting.done_ns + REPORT_GRID_NS;
  if (when < earliest) when = earliest;
  if (when < core->reporting.due_ns) core->reporting.due_ns = when;
}

/* Not counted as a drop: who cannot be reached yet misses nothing. */
static bool is_reachable(const struct transport *transport) {
  return transport->plain || (transport->tx && address_is_remote(&transport->remote));
}

/* Transport-wide feedback ---------------------------------------------------------------------- */

void reports_note_arrival(struct core *core, struct transport *transport, uint16_t sequence,
                          int64_t arrival_ns, int64_t now) {
  struct reporting *reporting = &transport->reporting;
  if (!reporting->is_on) return;
  feedback_add(&reporting->feedback, sequence, arrival_ns);
  if (reporting->is_heard) return;
  reporting->is_heard = true;
  reporting->next_heard = core->reporting.heard;
  core->reporting.heard = transport;
  due_by(core, now);
}

void reports_forget(struct core *core, struct transport *transport) {
  struct transport **link = &core->reporting.heard;
  while (*link && *link != transport) link = &(*link)->reporting.next_heard;
  if (*link) *link = transport->reporting.next_heard;
  feedback_free(&transport->reporting.feedback);
}

/* Feedback is of the whole transport: any stream of the sender's will do. 0: none is known. */
static uint32_t any_media_ssrc(const struct transport *transport) {
  for (const struct producer *producer = transport->producers; producer;
       producer = producer->next_of_transport)
    for (int layer = 0; layer < LAYERS; layer++)
      if (producer->encodings[layer]) return producer->encodings[layer]->ssrc;
  return 0;
}

static void send_feedback(struct core *core, struct transport *transport) {
  struct reporting *reporting = &transport->reporting;
  struct feedback_span span;
  struct out_packet *packet;
  uint32_t media_ssrc = any_media_ssrc(transport), length;
  if (!is_reachable(transport) || !feedback_take(&reporting->feedback, &span)) return;
  while ((packet = outbox_next(core->outbox)) &&
         (length = feedback_write(&reporting->feedback, &span, reporting->ssrc, media_ssrc,
                                  packet->bytes)))
    if (transport_send_rtcp(core, transport, packet, length))
      core_count(core, COUNTER_feedback_sent);
}

static void send_all_feedback(struct core *core) {
  struct transport **first = &core->reporting.heard;
  while (*first && outbox_room(core->outbox) >= ROOM_FOR_ONE) {
    struct transport *transport = *first;
    *first = transport->reporting.next_heard;
    transport->reporting.is_heard = false;
    send_feedback(core, transport);
  }
}

int64_t reports_tick(struct core *core, int64_t now) {
  struct reporting_clock *clock = &core->reporting;
  if (now < clock->due_ns) return clock->due_ns;
  clock->due_ns = INT64_MAX;
  send_all_feedback(core);
  if (clock->heard)
    clock->due_ns = now; /* the outbox is full: the rest in the next round of the thread */
  else
    clock->done_ns = now;
  return clock->due_ns;
}
