/* Owns the last step before the socket: SRTP, counting, and the place in the outbox. */
#ifndef TONGKE_EGRESS_H
#define TONGKE_EGRESS_H

#include "core.h"

/* Protect and put into the outbox. The packet is what outbox_next() gave. */
bool transport_can_send(struct core *core, const struct transport *transport);
uint32_t transport_send_rtp(struct core *core, struct transport *transport,
                            struct packet_index *index, struct out_packet *packet,
                            uint32_t length);
bool transport_send_rtcp(struct core *core, struct transport *transport,
                         struct out_packet *packet, uint32_t length);
/* In place; its length then, or 0 (counted). A local peer's stays as it is. */
uint32_t transport_protect_rtcp(struct core *core, const struct transport *transport,
                                uint8_t *packet, uint32_t length);

#endif
