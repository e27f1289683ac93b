/* See tick.h. */
#include "tick.h"

#include "clock.h"
#include "consumer.h"
#include "egress.h"
#include "notices.h"
#include "rtcp.h"

#define LOSS_TICK_NS (5 * MILLISECOND_NS) /* the first NACK's delay */
#define IDLE_TICK_NS SECOND_NS
/* Reports, feedback and the look at the lines go with a round that media needs anyway; so much later
 * they wake the thread: a little more than the time between two pictures. */
#define LAX_NS (35 * MILLISECOND_NS)

static void ask_again(struct core *core, struct encoding *encoding, int64_t now) {
  struct transport *transport = encoding->producer->transport;
  struct missing_due due;
  struct out_packet *packet = outbox_next(core->outbox);
  if (!packet || !transport_can_send(core, transport)) return;
  missing_collect(encoding->missing, now, &due);
  if (due.gave_up) encoding->keyframe_wanted = true;
  if (!due.pair_count) return;
  uint32_t length = rtcp_write_nack(packet->bytes, encoding->producer->feedback_ssrc,
                                    encoding->ssrc, due.pairs, due.pair_count);
  if (!transport_send_rtcp(core, transport, packet, length)) return;
  encoding->counters[ENCODING_nacks_sent] += due.sequence_count;
  core->counters[COUNTER_nacks_sent] += due.sequence_count;
}

static bool has_losses(const struct encoding *encoding) {
  return encoding->missing && encoding->missing->count;
}

static bool is_watched(const struct encoding *encoding) {
  const struct producer *producer = encoding->producer;
  for (uint32_t i = 0; i < producer->consumer_count; i++)
    if (producer->consumers[i]->layer == encoding->layer) return true;
  return false;
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static void join_past(struct core *core, struct encoding *encoding, int64_t now) {
  const struct producer *producer = encoding->producer;
  for (uint32_t i = 0; i < producer->consumer_count; i++)
    consumer_join_past(core, producer->consumers[i], encoding, now);
}

/* When it is due again; INT64_MAX: time alone changes nothing. */
static int64_t tick_encoding(struct core *core, struct encoding *encoding, int64_t now) {
  int64_t due = INT64_MAX;
  if (has_losses(encoding)) ask_again(core, encoding, now);
  if (encoding->waiting) join_past(core, encoding, now);
  if (encoding->keyframe_wanted && !is_watched(encoding)) encoding->keyframe_wanted = false;
  if (encoding->waiting || encoding->keyframe_wanted) due = want_keyframe(core, encoding, now);
  return has_losses(encoding) ? earlier(due, now + LOSS_TICK_NS) : due;
}

/* When the next tick of a busy encoding is due; INT64_MAX: of none. */
static int64_t tick_busy(struct core *core, int64_t now) {
  int64_t next = INT64_MAX;
  for (struct encoding **link = &core->busy; *link;) {
    struct encoding *encoding = *link;
    next = earlier(next, tick_encoding(core, encoding, now));
    if (has_losses(encoding) || encoding->waiting || encoding->keyframe_wanted) {
      link = &encoding->next_busy;
    } else {
      *link = encoding->next_busy;
      encoding->is_busy = false;
    }
  }
  return next;
}

static int64_t at_the_latest(int64_t lax) {
  return lax < INT64_MAX - LAX_NS ? lax + LAX_NS : INT64_MAX;
}

int64_t core_tick(struct core *core, int64_t due, int64_t now) {
  if (core->has_new_losses) due = earlier(due, now + LOSS_TICK_NS);
  core->has_new_losses = false;
  int64_t lax = earlier(core->lax_due_ns, core->reporting.due_ns);
  if (now < due && now < lax) return earlier(due, at_the_latest(lax));
  int64_t next = now + IDLE_TICK_NS;
  next = earlier(next, tick_busy(core, now));
  next = earlier(next, probe_tick(core, now));
  core->lax_due_ns = earlier(reports_tick(core, now), lines_tick(core, now));
  return earlier(next, at_the_latest(core->lax_due_ns));
}
