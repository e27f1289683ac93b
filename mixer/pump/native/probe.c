/* See probe.h. */
#include "probe.h"

#include "clock.h"
#include "consumer.h"
#include "core.h"
#include "retransmit.h"

#define PROBE_TICK_NS MILLISECOND_NS
/* How far back packets are taken from: enough that a repeat does not follow itself at once. */
#define REPEATED_PACKETS 32
/* A thread that was not scheduled for long must not make up for it in one burst. */
#define PACKETS_PER_TICK 64

static bool can_repeat(const struct consumer *consumer) {
  struct media media;
  return consumer->rtx_ssrc && consumer->has_sent &&
         consumer_recall(consumer, consumer->last_sequence, &media);
}

/* The consumer with the largest packets: a probe of few bytes a packet would be a flood of them. */
static struct consumer *choose(const struct transport *transport) {
  struct consumer *best = NULL;
  uint64_t best_bytes = 0;
  for (struct consumer *consumer = transport->consumers; consumer;
       consumer = consumer->next_of_transport) {
    uint64_t packets = consumer->counters[CONSUMER_packets];
    if (!packets || !can_repeat(consumer)) continue;
    uint64_t bytes = consumer->counters[CONSUMER_payload_bytes] / packets;
    if (best && bytes <= best_bytes) continue;
    best = consumer;
    best_bytes = bytes;
  }
  return best;
}

static struct consumer *with_rtx(const struct transport *transport) {
  struct consumer *consumer = transport->consumers;
  while (consumer && !consumer->rtx_ssrc) consumer = consumer->next_of_transport;
  return consumer;
}

bool probe_begin(struct core *core, struct transport *transport, uint64_t rate_bps,
                 int64_t duration_ns, int64_t now) {
  struct probe *probe = &transport->probe;
  if (!transport->extensions.transport_cc || !with_rtx(transport)) return false;
  if (!probe->is_running) {
    probe->next = core->probing;
    core->probing = transport;
  }
  *probe = (struct probe){
      .is_running = true,
      .rate_bps = rate_bps,
      .began_ns = now,
      .until_ns = now + duration_ns,
      .bytes_before = transport->counters[TRANSPORT_bytes_sent],
      .next = probe->next,
  };
  if (transport->sensing.line) line_probe(transport->sensing.line, now, probe->until_ns);
  return true;
}

void probe_end(struct core *core, struct transport *transport) {
  if (!transport->probe.is_running) return;
  struct transport **place = &core->probing;
  while (*place != transport) place = &(*place)->probe.next;
  *place = transport->probe.next;
  transport->probe.is_running = false;
}

/* One repeated packet; false when there is none to repeat, or it could not be sent. */
static bool repeat_one(struct core *core, struct transport *transport, struct consumer *consumer,
                       int64_t now) {
  for (uint32_t tried = 0; tried < REPEATED_PACKETS; tried++) {
    uint16_t back = (uint16_t)(transport->probe.repeated++ % REPEATED_PACKETS);
    uint16_t outgoing = (uint16_t)(consumer->last_sequence - back);
    struct media media;
    struct sent_packet *sent = consumer_recall(consumer, outgoing, &media);
    if (!sent || !media.payload_length) continue;
    struct mapping mapping = {outgoing, sent->timestamp_delta, sent->picture_id_delta,
                              sent->tl0_index_delta};
    return consumer_send(core, consumer, &media, &mapping, sent, SEND_RTX, now) > 0;
  }
  return false;
}

static void fill(struct core *core, struct transport *transport, int64_t now) {
  const struct probe *probe = &transport->probe;
  struct consumer *repeating = choose(transport), *padding = with_rtx(transport);
  /* One tick ahead, so that the first one sends and the average is met at the end. */
  uint64_t elapsed_us = (uint64_t)(now + PROBE_TICK_NS - probe->began_ns) / 1000;
  uint64_t wanted = probe->bytes_before + probe->rate_bps * elapsed_us / 8000000;
  for (int i = 0; padding && i < PACKETS_PER_TICK; i++) {
    if (transport->counters[TRANSPORT_bytes_sent] >= wanted) return;
    bool is_sent = repeating ? repeat_one(core, transport, repeating, now)
                             : consumer_send_padding(core, padding, now) > 0;
    if (!is_sent) return;
    core_count(core, COUNTER_probe_packets);
  }
}

int64_t probe_tick(struct core *core, int64_t now) {
  for (struct transport *transport = core->probing, *next; transport; transport = next) {
    next = transport->probe.next;
    if (now >= transport->probe.until_ns)
      probe_end(core, transport);
    else
      fill(core, transport, now);
  }
  return core->probing ? now + PROBE_TICK_NS : INT64_MAX;
}
