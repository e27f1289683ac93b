/* Owns the last step before the socket: SRTP, counting, and the place in the outbox. */
#include "core.h"

bool transport_can_send(struct core *core, const struct transport *transport) {
  if (transport->plain || (transport->tx && address_is_remote(&transport->remote)))
    return true;
  core_count(core, COUNTER_drop_no_remote);
  return false;
}

static bool enqueue(struct core *core, struct transport *transport, struct out_packet *packet,
                    uint32_t length) {
  packet->length = (uint16_t)length;
  if (!outbox_add(core->outbox, &transport->remote, &transport->local, transport->plain,
                  &transport->outbox_index, &transport->outbox_batch)) {
    core_count(core, COUNTER_drop_outbox_full);
    return false;
  }
  transport->counters[TRANSPORT_packets_sent]++;
  transport->counters[TRANSPORT_bytes_sent] += length;
  return true;
}

static uint32_t protect(struct core *core, const struct transport *transport,
                        srtp_transform transform, struct out_packet *packet, uint32_t length) {
  int protected_length = (int)length;
  if (transport->plain) return length;
  if (transform(transport->tx, packet->bytes, &protected_length) != SRTP_OK) {
    core_count(core, COUNTER_drop_protect);
    return 0;
  }
  return (uint32_t)protected_length;
}

/* The bytes on the wire, or 0 when it could not be sent. */
uint32_t transport_send_rtp(struct core *core, struct transport *transport,
                            struct out_packet *packet, uint32_t length) {
  length = protect(core, transport, core->srtp.protect, packet, length);
  return length && enqueue(core, transport, packet, length) ? length : 0;
}

bool transport_send_rtcp(struct core *core, struct transport *transport,
                         struct out_packet *packet, uint32_t length) {
  length = protect(core, transport, core->srtp.protect_rtcp, packet, length);
  return length && enqueue(core, transport, packet, length);
}
