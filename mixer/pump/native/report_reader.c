/* See report_reader.h. */
#include "report_reader.h"

#include "clock.h"
#include "rtcp_report.h"

/* A block that skips more is of a stream that began anew, or made up. */
#define EXPECTED_MAX 0xffff
/* Of a sample: longer than any line lives; a little below zero is rounding on a very short one. */
#define ROUND_TRIP_MAX_NS (60 * SECOND_NS)
#define ROUND_TRIP_ROUNDING_NS MILLISECOND_NS

void reports_remember_sent(struct consumer *consumer, uint64_t ntp, int64_t now) {
  struct consumer_reports *reports = &consumer->reports;
  reports->sent[reports->sent_count++ % SENT_REPORTS] =
      (struct sent_report){.last_sr = (uint32_t)(ntp >> 16), .at_ns = now};
}

/* RFC 6298 §2, α = 1/8. */
static void take_round_trip(struct transport *transport, const struct consumer_reports *reports,
                            const struct report_block *block, int64_t arrival_ns) {
  uint32_t known = reports->sent_count < SENT_REPORTS ? reports->sent_count : SENT_REPORTS;
  if (!block->last_sr) return;
  for (uint32_t i = 0; i < known; i++) {
    if (reports->sent[i].last_sr != block->last_sr) continue;
    int64_t delay_ns = (int64_t)(block->delay_since_last_sr * (uint64_t)SECOND_NS >> 16);
    int64_t sample = arrival_ns - reports->sent[i].at_ns - delay_ns;
    if (sample < -ROUND_TRIP_ROUNDING_NS || sample > ROUND_TRIP_MAX_NS) return;
    if (sample < 1) sample = 1; /* 0 is unknown */
    if (!transport->round_trip_ns) transport->round_trip_ns = sample;
    transport->round_trip_ns += (sample - transport->round_trip_ns) / 8;
    return;
  }
}

static void take_block(struct transport *transport, const struct report_block *block,
                       int64_t arrival_ns) {
  const struct ssrc_entry *entry = ssrc_table_find(&transport->outgoing, block->ssrc);
  if (!entry || !entry->stream) return;
  struct consumer_reports *reports = &((struct consumer *)entry->stream)->reports;
  bool is_media = entry->role == SSRC_MEDIA;
  struct heard_report *heard = is_media ? &reports->heard : &reports->heard_rtx;
  if (is_media) take_round_trip(transport, reports, block, arrival_ns);
  int64_t expected = (int32_t)(block->highest_sequence - heard->highest_sequence);
  if (heard->is_known && expected > 0 && expected <= EXPECTED_MAX) {
    int64_t lost = (int64_t)block->cumulative_lost - heard->cumulative_lost;
    lost = lost < 0 ? 0 : lost > expected ? expected : lost;
    transport->counters[TRANSPORT_packets_expected] += (uint64_t)expected;
    transport->counters[TRANSPORT_packets_lost] += (uint64_t)lost;
    if (heard->expected > EXPECTED_MAX) heard->expected = heard->lost = 0; /* nobody reads it */
    heard->expected += (uint32_t)expected;
    heard->lost += ((uint32_t)expected * block->fraction_lost + 128) >> 8;
  }
  heard->is_known = true;
  heard->cumulative_lost = block->cumulative_lost;
  heard->highest_sequence = block->highest_sequence;
  heard->jitter = block->jitter;
  heard->at_ns = arrival_ns;
}

void reports_take(struct core *core, struct transport *transport, const struct rtcp_part *part,
                  int64_t arrival_ns) {
  bool cut;
  uint32_t count = rtcp_block_count(part, &cut);
  if (cut) core_count(core, COUNTER_drop_malformed_rtcp);
  for (uint32_t i = 0; i < count; i++) {
    struct report_block block = rtcp_read_block(part, i);
    take_block(transport, &block, arrival_ns);
  }
}
