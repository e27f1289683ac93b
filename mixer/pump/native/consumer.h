/* Owns one outgoing stream's continuity: which layer goes through, when it switches, and how the
 * source's sequence numbers, timestamps and picture ids become the consumer's own. A receiver sees
 * one stream that never stumbles, whatever layers it is made of. `tests/models/rewriting.py` tells the
 * same rules in Python, and tests hold the two together. */
#ifndef TONGKE_CONSUMER_H
#define TONGKE_CONSUMER_H

#include "core.h"

/* The encoding this consumer waits to switch to, or NULL. */
struct encoding *consumer_awaits(const struct consumer *consumer);
struct sent_packet *consumer_sent(const struct consumer *consumer, uint16_t outgoing);
enum sending {
  SEND_FIRST, /* `sent` is filled with its departure; may be NULL */
  SEND_RTX,   /* as a retransmission (RFC 4588) */
  SEND_AGAIN, /* bit for bit what was sent: under SRTP one sequence number is one packet */
};
/* Writes, protects and enqueues; returns the bytes on the wire, 0 when it was dropped (counted). */
uint32_t consumer_send(struct core *core, struct consumer *consumer, const struct media *media,
                       const struct mapping *mapping, struct sent_packet *sent,
                       enum sending sending, int64_t now);
/* A packet of padding on its RTX stream, which a receiver throws away; the bytes on the wire or 0. */
uint32_t consumer_send_padding(struct core *core, struct consumer *consumer, int64_t now);
void consumer_take(struct core *core, struct consumer *consumer, struct encoding *encoding,
                   const struct media *media, int64_t now);
/* The parameter sets that are kept, in a packet of their own right before `media`. */
void consumer_send_sets(struct core *core, struct consumer *consumer,
                        const struct encoding *encoding, const struct media *media, int64_t now);
/* Whoever asked to begin with the last keyframe that is kept, does so now. In a tick. */
void consumer_join_past(struct core *core, struct consumer *consumer, struct encoding *encoding,
                        int64_t now);
void consumer_set_target(struct core *core, struct consumer *consumer, int layer, int64_t now);
/* Leaves the current layer: the next packet it gets is a switch. */
void consumer_leave_layer(struct core *core, struct consumer *consumer);

#endif
