/* See retransmit.h. */
#include "retransmit.h"

#include "clock.h"
#include "consumer.h"

#define SPACING_MIN_NS (20 * MILLISECOND_NS)
#define SPACING_MAX_NS (500 * MILLISECOND_NS)

static bool spend(struct core *core, struct transport *transport, uint32_t bytes, int64_t now) {
  if (repair_budget_spend(&transport->repairs, bytes, now)) return true;
  core_count(core, COUNTER_drop_retransmit_budget);
  return false;
}

static bool too_soon(struct core *core, const struct transport *transport,
                     const struct sent_packet *sent, int64_t now) {
  int64_t spacing_ns = transport->round_trip_ns;
  if (spacing_ns < SPACING_MIN_NS) spacing_ns = SPACING_MIN_NS;
  if (spacing_ns > SPACING_MAX_NS) spacing_ns = SPACING_MAX_NS;
  uint32_t since_ms = (uint32_t)(now / MILLISECOND_NS) - sent->resent_ms;
  if (!sent->was_resent || since_ms >= spacing_ns / MILLISECOND_NS) return false;
  core_count(core, COUNTER_drop_retransmit_repeat);
  return true;
}

struct sent_packet *consumer_recall(const struct consumer *consumer, uint16_t outgoing,
                                    struct media *media) {
  struct sent_packet *sent = consumer_sent(consumer, outgoing);
  if (!sent->is_used || sent->outgoing != outgoing) return NULL;
  const struct encoding *source = consumer->producer->encodings[sent->layer];
  if (!source || source->generation != sent->generation) return NULL;
  if (!history_get(&source->history, sent->sequence, media)) return NULL;
  if (!sent->sets_version) return sent;
  const struct parameter_sets *sets = &source->h264->sets;
  if (sets->version != sent->sets_version) return NULL;
  *media = media_of_sets(sets, media);
  return sent;
}

/* Without RTX only the very same packet may go out again, so its header must not have changed. */
static bool can_repeat(const struct consumer *consumer, const struct sent_packet *sent) {
  return sent && (consumer->rtx_ssrc || sent->header_version == consumer->header_version);
}

static void answer(struct core *core, struct consumer *consumer, uint16_t outgoing, int64_t now) {
  struct transport *transport = consumer->transport;
  struct media media;
  consumer->counters[CONSUMER_nacked]++;
  transport->counters[TRANSPORT_nacks_received]++;
  if (!limiter_admits_nacked(&transport->repairs.nacked, now)) {
    core_count(core, COUNTER_drop_nack_flood);
    return;
  }
  struct sent_packet *sent = consumer_recall(consumer, outgoing, &media);
  if (!can_repeat(consumer, sent)) {
    core_count(core, COUNTER_retransmissions_missed);
    return;
  }
  if (too_soon(core, transport, sent, now)) return;
  if (!spend(core, transport, media.payload_length + RTP_HEADER_BYTES, now)) return;
  struct mapping mapping = {outgoing, sent->timestamp_delta, sent->picture_id_delta,
                            sent->tl0_index_delta};
  enum sending sending = consumer->rtx_ssrc ? SEND_RTX : SEND_AGAIN;
  uint32_t bytes = consumer_send(core, consumer, &media, &mapping, sent, sending, now);
  if (!bytes) return;
  sent->was_resent = true;
  sent->resent_ms = (uint32_t)(now / MILLISECOND_NS);
  consumer->counters[CONSUMER_retransmitted]++;
  transport->counters[TRANSPORT_packets_retransmitted]++;
  transport->counters[TRANSPORT_bytes_retransmitted] += bytes;
  core_count(core, COUNTER_retransmitted_packets);
}

void consumer_answer_nack(struct core *core, struct consumer *consumer, uint16_t first,
                          uint16_t mask, int64_t now) {
  if (consumer->producer->paused || consumer->target < 0) return; /* nobody sees it any more */
  answer(core, consumer, first, now);
  for (int bit = 0; bit < 16; bit++)
    if (mask >> bit & 1) answer(core, consumer, (uint16_t)(first + 1 + bit), now);
}
