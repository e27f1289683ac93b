/* Owns what subscribers report of every packet's arrival: transport-wide feedback, ten times a
 * second each, as browsers send it. Its bytes are the pump's (`feedback_writer.h`). */
#include "load.h"

#include <time.h>

static void report(struct load *load, struct peer *peer) {
  struct feedback_span span;
  if (!feedback_take(&peer->feedback, &span))
    return;
  uint8_t packet[FEEDBACK_MESSAGE_MAX + SRTP_SPACE];
  int length;
  while ((length = feedback_write(&peer->feedback, &span, peer->ssrc, 0, packet)) > 0)
    if (send_protected(load, peer, packet, length) == 0)
      load->totals.feedback_sent++;
}

void send_feedback(struct load *load, int64_t now_ns) {
  for (int id = 0; id < load->peer_count; id++) {
    struct peer *peer = load->peers[id];
    if (!peer->transport_cc || now_ns < peer->feedback_at_ns)
      continue;
    peer->feedback_at_ns = now_ns + FEEDBACK_INTERVAL_NS;
    report(load, peer);
  }
}
