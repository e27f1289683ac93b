/* See line.h. */
#include "line.h"

#include <stdlib.h>
#include <string.h>

#define ACKNOWLEDGED_NS (SECOND_NS / 2)
/* While a queue stands before the bottleneck, what arrives in a short time is what it carries. */
#define BUSY_NS (150 * MILLISECOND_NS)
#define IDLE_NS (SECOND_NS / 2)
/* Loss is told by so many packets: 10 % of 40 are four. */
#define MEASURE_PACKETS 40
/* A clock seventy years from its beginning lies, and would overflow nanoseconds: a new beginning. */
#define REFERENCE_MAX (INT64_C(1) << 35)
#define TOLD_AGAIN_NS SECOND_NS
/* So much of a settled line is kept for a reading: more than passes where one is taken each second,
 * little enough not to hide the first loss among what went well for hours. */
#define KEPT_NS (3 * SECOND_NS / 2)

struct line *line_new(void) {
  struct line *line = calloc(1, sizeof *line); /* pages that are never used are never had */
  if (!line) return NULL;
  line->silence_ns = LINE_SILENCE_NS;
  line->dead_until_ns = INT64_MIN;
  sliding_bitrate_begin(&line->acknowledged, ACKNOWLEDGED_NS);
  sliding_bitrate_begin(&line->busy, BUSY_NS);
  sliding_bitrate_begin(&line->sent, ACKNOWLEDGED_NS);
  delay_trend_begin(&line->trend);
  return line;
}

void line_free(struct line *line) { free(line); }

/* Sending ------------------------------------------------------------------------------------- */

void line_pass(struct line *line, int64_t now) {
  if (!line->has_heard || line->is_idle) return;
  if (now - line->last_sent_ns > IDLE_NS) {
    delay_trend_reset(&line->trend); /* its last verdict is about a load that is gone */
    line->is_idle = line->is_urgent = true;
    line->is_silent = line->is_unheard = false;
  } else if (line->is_unheard && !line->is_silent &&
             now - line->unheard_since_ns > line->silence_ns) {
    line->is_silent = line->is_urgent = true;
  }
}

void line_depart(struct line *line, uint16_t sequence, uint32_t bytes, int64_t now) {
  line_pass(line, now);
  departures_add(&line->departures, sequence, now, bytes);
  if (line->has_sent && now - line->sent_burst_ns <= BURST_NS) {
    sliding_bitrate_extend(&line->sent, bytes);
  } else {
    sliding_bitrate_add(&line->sent, now, bytes);
    line->sent_burst_ns = now;
  }
  if (line->is_idle) line->is_urgent = true;
  line->has_sent = true;
  line->is_idle = false;
  line->last_sent_ns = now;
  if (!line->is_unheard) line->unheard_since_ns = now;
  line->is_unheard = true;
}

void line_probe(struct line *line, int64_t began_ns, int64_t ends_ns) {
  line->is_probing = true;
  line->has_train = false;
  line->train_count = 0;
  line->probe_began_ns = began_ns;
  line->probe_ends_ns = ends_ns;
}

/* Hearing ------------------------------------------------------------------------------------- */

/* A dead line speaks again: what was lost meanwhile says nothing. */
static void come_back(struct line *line, int64_t now) {
  line->is_silent = false;
  line->has_returned = true;
  line->dead_until_ns = now;
  line->loss = line->measure = (struct loss_sums){0};
  delay_trend_reset(&line->trend);
  sliding_bitrate_begin(&line->acknowledged, ACKNOWLEDGED_NS);
  sliding_bitrate_begin(&line->busy, BUSY_NS);
}

/* Of a settled line no reading need be taken while all is well. */
static void forget_what_went_well(struct line *line, int64_t now) {
  if (!line->is_settled || line->is_urgent || line->is_told) return;
  if (now - line->heard_since_ns < KEPT_NS) return;
  line->loss = (struct loss_sums){0};
  line->heard_since_ns = 0;
}

/* The peer's clock at the message's beginning. */
static int64_t arrival_clock_ns(struct line *line, uint32_t reference) {
  uint32_t ahead = (reference - (uint32_t)line->reference) & 0xffffff;
  int64_t unwrapped = line->reference + ahead - (ahead & 0x800000 ? 0x1000000 : 0);
  bool plausible = unwrapped < REFERENCE_MAX && unwrapped > -REFERENCE_MAX;
  if (!line->has_heard || !plausible) line->reference = unwrapped = reference;
  if (unwrapped > line->reference) line->reference = unwrapped;
  return unwrapped * FEEDBACK_TICKS_PER_REFERENCE * FEEDBACK_TICK_NS;
}

/* Feedback was lost on its way: what it would have said is taken to be as usual. */
static void bridge_gap(struct line *line, int64_t base, int64_t arrived_ns) {
  int64_t end = base;
  if (!line->has_heard) return;
  if (end > line->departures.newest + 1) end = line->departures.newest + 1;
  uint32_t bytes = departures_assume(&line->departures, line->heard_to, end);
  if (bytes)
    sliding_bitrate_add(&line->acknowledged, arrived_ns,
                        (uint32_t)(bytes * (1 - line->measured_loss) + 0.5));
}

static void sum(struct loss_sums *sums, const struct departed *packet, enum news news) {
  if (news == NEWS_LATE) {
    sums->lost--;
    sums->lost_bytes -= packet->bytes;
    return;
  }
  if (!sums->expected || packet->sent_ns < sums->first_sent_ns)
    sums->first_sent_ns = packet->sent_ns;
  if (!sums->expected || packet->sent_ns > sums->last_sent_ns) sums->last_sent_ns = packet->sent_ns;
  sums->expected++;
  sums->bytes += packet->bytes;
  if (news != NEWS_LOST) return;
  sums->lost++;
  sums->lost_bytes += packet->bytes;
}

static void measure_loss(struct line *line) {
  struct loss_sums *sums = &line->measure;
  if (sums->expected < MEASURE_PACKETS) return;
  double loss = (double)sums->lost_bytes / (double)sums->bytes;
  line->measured_loss = loss < 0 ? 0 : loss;
  *sums = (struct loss_sums){0};
}

struct burst {
  int64_t first_sent_ns, last_sent_ns, arrived_ns;
  uint32_t bytes, fresh_bytes; /* of all, and of those not yet counted by assumption */
};

static void acknowledge(struct line *line, const struct burst *burst) {
  if (!burst->bytes) return;
  if (burst->last_sent_ns > line->newest_heard_ns) line->newest_heard_ns = burst->last_sent_ns;
  if (burst->fresh_bytes)
    sliding_bitrate_add(&line->acknowledged, burst->arrived_ns, burst->fresh_bytes);
  sliding_bitrate_add(&line->busy, burst->arrived_ns, burst->bytes);
  delay_trend_add(&line->trend, burst->first_sent_ns, burst->last_sent_ns, burst->arrived_ns);
}

static void collect(struct line *line, const struct departed *packet, int64_t arrived_ns) {
  if (!line->is_probing || line->train_count == TRAIN_MAX) return;
  if (packet->sent_ns < line->probe_began_ns || packet->sent_ns > line->probe_ends_ns) return;
  line->train[line->train_count++] =
      (struct train_packet){packet->sent_ns, arrived_ns, packet->bytes};
}

/* A packet that arrived joins its burst, or ends the one before and begins its own. */
static void join(struct line *line, struct burst *burst, const struct departed *packet,
                 int64_t arrived_ns, enum news news) {
  int64_t after_ns = packet->sent_ns - burst->first_sent_ns;
  if (!burst->bytes || after_ns < 0 || after_ns > BURST_NS) {
    acknowledge(line, burst);
    *burst = (struct burst){.first_sent_ns = packet->sent_ns, .arrived_ns = arrived_ns};
  }
  burst->last_sent_ns = packet->sent_ns;
  if (arrived_ns > burst->arrived_ns) burst->arrived_ns = arrived_ns;
  burst->bytes += packet->bytes;
  if (news != NEWS_ASSUMED) burst->fresh_bytes += packet->bytes;
}

static void read_packets(struct line *line, struct feedback_reader *feedback, int64_t base,
                         int64_t arrived_ns) {
  struct packet_report report;
  struct burst burst = {0};
  for (int64_t sequence = base; feedback_next(feedback, &report); sequence++) {
    const struct departed *packet;
    arrived_ns += report.delta * FEEDBACK_TICK_NS;
    enum news news = departures_report(&line->departures, sequence, report.arrived, &packet);
    if (news == NEWS_NONE) continue;
    if (packet->sent_ns > line->dead_until_ns) {
      sum(&line->loss, packet, news);
      sum(&line->measure, packet, news);
    }
    if (news == NEWS_LOST) continue;
    collect(line, packet, arrived_ns);
    join(line, &burst, packet, arrived_ns, news);
  }
  acknowledge(line, &burst);
}

void line_hear(struct line *line, struct feedback_reader *feedback, int64_t now) {
  if (!line->has_sent) return;
  line_pass(line, now);
  if (line->is_silent || !line->has_heard) line->is_urgent = true;
  if (line->is_silent) come_back(line, now);
  line->is_unheard = false;
  forget_what_went_well(line, now);
  int64_t base = departures_unwrap(&line->departures, feedback->base);
  int64_t end = base + feedback->count, lost = line->loss.lost;
  int64_t arrived_ns = arrival_clock_ns(line, feedback->reference);
  bridge_gap(line, base, arrived_ns);
  read_packets(line, feedback, base, arrived_ns);
  measure_loss(line);
  if (end > line->departures.newest + 1) end = line->departures.newest + 1;
  if (!line->has_heard || end > line->heard_to) line->heard_to = end;
  line->has_heard = true;
  if (!line->heard_since_ns) line->heard_since_ns = now;
  if (line->loss.lost != lost) line->is_urgent = true;
  if (line->is_probing && line->newest_heard_ns > line->probe_ends_ns) {
    line->is_probing = false;
    line->has_train = line->is_urgent = true;
  }
}

/* Telling ------------------------------------------------------------------------------------- */

bool line_has_news(const struct line *line, int64_t now) {
  if (line->is_told && now - line->told_ns < TOLD_AGAIN_NS) return false;
  if (line->is_told || line->is_urgent) return true;
  if (!line->heard_since_ns) return false;
  bool is_normal = line->trend.usage == USAGE_NORMAL && line->told_usage == USAGE_NORMAL;
  return !line->is_settled || !is_normal;
}

void line_told(struct line *line, int64_t now) {
  line->is_told = true;
  line->told_ns = now;
}

void line_take(struct line *line, struct line_reading *reading, struct train_packet *train) {
  *reading = (struct line_reading){
      .usage = line->trend.usage,
      .acknowledged_bps = sliding_bitrate_bps(&line->acknowledged),
      .busy_bps = sliding_bitrate_bps(&line->busy),
      .sent_bps = sliding_bitrate_bps(&line->sent),
      .loss = line->loss,
      .heard_since_ns = line->heard_since_ns,
      .is_silent = line->is_silent,
      .has_returned = line->has_returned,
      .is_idle = line->is_idle,
      .has_train = line->has_train,
      .train_count = line->has_train ? line->train_count : 0,
  };
  memcpy(train, line->train, reading->train_count * sizeof *train);
  line->told_usage = line->trend.usage;
  line->loss = (struct loss_sums){0};
  line->heard_since_ns = 0;
  line->has_returned = line->has_train = line->is_urgent = line->is_told = false;
}
