/* See lines.h. */
#include "lines.h"

#include "core.h"
#include "notices.h"

/* How late silence and idleness, both of half a second and more, are noticed. */
#define LINE_TICK_NS (100 * MILLISECOND_NS)

bool lines_reserve(struct core *core, struct transport *transport) {
  if (transport->sensing.line) return true;
  transport->sensing.line = line_new();
  if (!transport->sensing.line) return false;
  transport->sensing.next = core->lines;
  core->lines = transport;
  return true;
}

void lines_forget(struct core *core, struct transport *transport) {
  if (!transport->sensing.line) return;
  struct transport **place = &core->lines;
  while (*place != transport) place = &(*place)->sensing.next;
  *place = transport->sensing.next;
  line_free(transport->sensing.line);
  transport->sensing.line = NULL;
}

static void tell(struct core *core, struct transport *transport, int64_t now) {
  struct line *line = transport->sensing.line;
  if (line_has_news(line, now) && tell_line(core, transport)) line_told(line, now);
}

/* Feedback on a long way takes long, and is not missed before. */
static void set_silence(struct transport *transport) {
  int64_t silence_ns = 3 * transport->round_trip_ns;
  transport->sensing.line->silence_ns = silence_ns > LINE_SILENCE_NS ? silence_ns : LINE_SILENCE_NS;
}

void lines_take_feedback(struct core *core, struct transport *transport,
                         const struct rtcp_part *part, int64_t now) {
  struct feedback_reader feedback;
  if (!feedback_open(&feedback, part)) {
    core_count(core, COUNTER_drop_malformed_rtcp);
    transport->counters[TRANSPORT_packets_refused]++;
  } else if (!limiter_admits_reported(&transport->sensing.reported, feedback.count, now)) {
    core_count(core, COUNTER_drop_feedback_flood);
  } else if (transport->sensing.line) {
    set_silence(transport);
    line_hear(transport->sensing.line, &feedback, now);
    tell(core, transport, now);
  }
}

int64_t lines_tick(struct core *core, int64_t now) {
  bool is_any_active = false;
  if (now < core->lines_due_ns) return core->lines_due_ns;
  core->lines_due_ns = now + LINE_TICK_NS;
  for (struct transport *transport = core->lines; transport;
       transport = transport->sensing.next) {
    set_silence(transport);
    line_pass(transport->sensing.line, now);
    tell(core, transport, now);
    if (!transport->sensing.line->is_idle) is_any_active = true;
  }
  return is_any_active ? core->lines_due_ns : INT64_MAX;
}
