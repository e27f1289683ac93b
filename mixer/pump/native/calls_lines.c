/* See calls_lines.h. */
#include "calls_lines.h"

int core_line(struct core *core, int64_t id, struct line_reading *reading,
              struct train_packet *train) {
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (transport && transport->sensing.line)
    line_take(transport->sensing.line, reading, train);
  else
    *reading = (struct line_reading){.acknowledged_bps = -1, .busy_bps = -1, .sent_bps = -1};
  pthread_mutex_unlock(&core->mutex);
  return transport ? 0 : REFUSED_UNKNOWN;
}

int core_set_line_settled(struct core *core, int64_t id, bool is_settled) {
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (transport && transport->sensing.line) transport->sensing.line->is_settled = is_settled;
  pthread_mutex_unlock(&core->mutex);
  return transport ? 0 : REFUSED_UNKNOWN;
}
