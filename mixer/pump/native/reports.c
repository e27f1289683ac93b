/* See reports.h. */
#include "reports.h"

#include "core.h"
#include "egress.h"
#include "report_reader.h"
#include "rtcp_report.h"

/* Left in the outbox for what one transport may be due: feedback, and reports. The rest of the
 * transports waits for the next round of the thread. */
#define ROOM_FOR_ONE 64
/* A source that has not reported for so long has stopped: the delay since has no meaning. */
#define DELAY_MAX_NS (3600 * SECOND_NS)

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

/* Receiver reports ----------------------------------------------------------------------------- */

static struct report_block report_on(struct transport *transport, struct encoding *encoding,
                                     int64_t now) {
  struct reception_report reception = reception_report(&encoding->reception);
  struct report_block block = {
      .ssrc = encoding->ssrc,
      .fraction_lost = reception.fraction_lost,
      .cumulative_lost = reception.cumulative_lost,
      .highest_sequence = reception.highest_sequence,
      .jitter = reception.jitter,
  };
  transport->counters[TRANSPORT_packets_expected] += reception.expected;
  transport->counters[TRANSPORT_packets_lost] += reception.lost;
  int64_t delay_ns = now - encoding->report_at_ns;
  if (encoding->has_report && delay_ns >= 0 && delay_ns < DELAY_MAX_NS) {
    block.last_sr = (uint32_t)(encoding->report_ntp >> 16);
    block.delay_since_last_sr = (uint32_t)(((uint64_t)delay_ns << 16) / SECOND_NS);
  }
  return block;
}

/* A compound begins with a report and has the reporter's CNAME (RFC 3550 §6.1). */
static void send_blocks(struct core *core, struct transport *transport,
                        const struct report_block *blocks, uint32_t count) {
  const struct reporting *reporting = &transport->reporting;
  struct out_packet *packet = outbox_next(core->outbox);
  if (!packet) return;
  uint32_t length = rtcp_write_receiver_report(packet->bytes, reporting->ssrc, blocks, count);
  length += rtcp_write_cname(packet->bytes + length, reporting->ssrc, reporting->cname,
                             reporting->cname_length);
  if (transport_send_rtcp(core, transport, packet, length)) core_count(core, COUNTER_reports_sent);
}

static void send_receiver_reports(struct core *core, struct transport *transport, int64_t now) {
  struct report_block blocks[REPORT_BLOCKS_MAX];
  uint32_t count = 0;
  for (struct producer *producer = transport->producers; producer;
       producer = producer->next_of_transport)
    for (int layer = 0; layer < LAYERS; layer++) {
      struct encoding *encoding = producer->encodings[layer];
      if (!encoding || !encoding->reception.started) continue;
      if (count == REPORT_BLOCKS_MAX) {
        send_blocks(core, transport, blocks, count);
        count = 0;
      }
      blocks[count++] = report_on(transport, encoding, now);
    }
  send_blocks(core, transport, blocks, count); /* without any too: it says that we are there */
}

/* Sender reports ------------------------------------------------------------------------------- */

/* What time it is in the consumer's stream: its source's report, in its own timestamps. False: the
 * source has not said. */
static bool tell_time(const struct consumer *consumer, int64_t now, uint64_t *ntp,
                      uint32_t *timestamp) {
  if (!consumer->has_sent || consumer->layer < 0) return false;
  const struct encoding *source = consumer->producer->encodings[consumer->source_layer];
  if (!source || source->generation != consumer->source_generation || !source->has_report)
    return false;
  int64_t elapsed_us = (now - source->report_at_ns) / 1000;
  if (elapsed_us < 0) elapsed_us = 0;
  if (elapsed_us > INT64_C(60000000)) return false; /* the source has stopped reporting */
  *ntp = source->report_ntp + ((uint64_t)elapsed_us << 32) / 1000000;
  *timestamp = source->report_timestamp + consumer->timestamp_delta +
               rtp_ticks(elapsed_us * 1000, consumer->producer->clock_rate);
  return true;
}

static uint32_t write_sender_report(struct consumer *consumer, int64_t now, uint8_t *out) {
  struct consumer_reports *reports = &consumer->reports;
  struct sender_totals totals = {
      .ssrc = consumer->ssrc,
      .packets = (uint32_t)consumer->counters[CONSUMER_packets],
      .octets = (uint32_t)consumer->counters[CONSUMER_payload_bytes],
  };
  if (!tell_time(consumer, now, &totals.ntp, &totals.rtp_timestamp)) return 0;
  reports->is_due = false;
  reports_remember_sent(consumer, totals.ntp, now);
  uint32_t length = rtcp_write_sender_report(out, &totals);
  /* One chunk per description: aiortc reads no second one. */
  if (reports->cname_length)
    length += rtcp_write_cname(out + length, consumer->ssrc, reports->cname,
                               reports->cname_length);
  return length;
}

static void send_sender_reports(struct core *core, struct transport *transport, int64_t now) {
  struct out_packet *packet = NULL;
  uint32_t length = 0, count = 0;
  for (struct consumer *consumer = transport->consumers; consumer;
       consumer = consumer->next_of_transport) {
    if (!count && !(packet = outbox_next(core->outbox))) return;
    uint32_t written = write_sender_report(consumer, now, packet->bytes + length);
    length += written;
    count += written > 0;
    bool is_last = !consumer->next_of_transport;
    if (count < SENDER_REPORTS_MAX && !(is_last && count)) continue;
    if (transport_send_rtcp(core, transport, packet, length))
      core_count(core, COUNTER_reports_sent);
    length = count = 0;
  }
}

/* When -----------------------------------------------------------------------------------------*/

void reports_look(struct core *core) { due_by(core, 0); }

static void transport_due_by(struct core *core, struct transport *transport, int64_t when) {
  int64_t *due_ns = &transport->reporting.due_ns;
  if (!*due_ns || when < *due_ns) *due_ns = when;
  due_by(core, when);
}

void reports_soon(struct core *core, struct consumer *consumer, int64_t now) {
  uint64_t ntp;
  uint32_t timestamp;
  consumer->reports.is_due = true;
  if (tell_time(consumer, now, &ntp, &timestamp))
    transport_due_by(core, consumer->transport, now + REPORT_GRID_NS);
}

void reports_encoding_reported(struct core *core, const struct encoding *encoding, int64_t now) {
  const struct producer *producer = encoding->producer;
  for (uint32_t i = 0; i < producer->consumer_count; i++) {
    struct consumer *consumer = producer->consumers[i];
    if (consumer->reports.is_due && consumer->layer == encoding->layer)
      reports_soon(core, consumer, now);
  }
}

/* Transports that came at once are not all reported to at once. */
static int64_t first_due(const struct transport *transport, int64_t now) {
  return now + REPORT_GRID_NS * (1 + transport->id % (REPORT_NS / REPORT_GRID_NS));
}

static void report_to(struct core *core, struct transport *transport, int64_t now) {
  transport->reporting.due_ns = now + REPORT_NS;
  if (!is_reachable(transport)) return;
  if (transport->reporting.is_on) send_receiver_reports(core, transport, now);
  send_sender_reports(core, transport, now);
}

/* False when the outbox is full. */
static bool send_all_reports(struct core *core, int64_t now) {
  for (uint32_t i = 0; i < core->transports.capacity; i++) {
    struct transport *transport = core->transports.objects[i];
    if (!transport || !(transport->reporting.is_on || transport->consumers)) continue;
    struct reporting *reporting = &transport->reporting;
    if (!reporting->due_ns) reporting->due_ns = first_due(transport, now);
    if (now >= reporting->due_ns) {
      if (outbox_room(core->outbox) < ROOM_FOR_ONE) return false;
      report_to(core, transport, now);
    }
    due_by(core, reporting->due_ns);
  }
  return true;
}

int64_t reports_tick(struct core *core, int64_t now) {
  struct reporting_clock *clock = &core->reporting;
  if (now < clock->due_ns) return clock->due_ns;
  int64_t before = clock->done_ns;
  clock->due_ns = INT64_MAX;
  clock->done_ns = now;
  send_all_feedback(core);
  if (clock->heard || !send_all_reports(core, now)) {
    clock->done_ns = before;
    clock->due_ns = now; /* the outbox is full: the rest in the next round of the thread */
  }
  return clock->due_ns;
}
