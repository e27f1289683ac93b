/* See egress.h. */
#include "egress.h"

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
                  &transport->outbox_place)) {
    core_count(core, COUNTER_drop_outbox_full);
    return false;
  }
  transport->counters[TRANSPORT_packets_sent]++;
  transport->counters[TRANSPORT_bytes_sent] += length;
  return true;
}

static uint32_t protect(const struct transport *transport, srtp_transform transform,
                        uint8_t *packet, uint32_t length) {
  int protected_length = (int)length;
  if (transform(transport->tx, packet, &protected_length) != SRTP_OK) return 0;
  return (uint32_t)protected_length;
}

static uint32_t protect_rtp(struct core *core, const struct transport *transport,
                            struct packet_index *index, uint8_t *packet, uint32_t length) {
  if (transport->plain) return length;
  length = transport->aead.context
               ? aead_protect(&transport->aead, &core->srtp.aead, index, packet, length)
               : protect(transport, core->srtp.protect, packet, length);
  if (!length) core_count(core, COUNTER_drop_protect);
  return length;
}

uint32_t transport_protect_rtcp(struct core *core, const struct transport *transport,
                                uint8_t *packet, uint32_t length) {
  if (transport->plain) return length;
  length = protect(transport, core->srtp.protect_rtcp, packet, length);
  if (!length) core_count(core, COUNTER_drop_protect);
  return length;
}

uint32_t transport_send_rtp(struct core *core, struct transport *transport,
                            struct packet_index *index, struct out_packet *packet,
                            uint32_t length) {
  length = protect_rtp(core, transport, index, packet->bytes, length);
  return length && enqueue(core, transport, packet, length) ? length : 0;
}

bool transport_send_rtcp(struct core *core, struct transport *transport,
                         struct out_packet *packet, uint32_t length) {
  length = transport_protect_rtcp(core, transport, packet->bytes, length);
  return length && enqueue(core, transport, packet, length);
}
