/* Owns the way of a datagram into the pump: demultiplexing by its first byte (RFC 7983) and RTCP by
 * its second (RFC 5761), admission by remote address, SRTP, and the stream it belongs to by SSRC.
 * Every early end is a counted drop; nothing a stranger sends gets past the address. */
#ifndef TONGKE_INGRESS_H
#define TONGKE_INGRESS_H

#include "address.h"
#include "limiter.h"

struct core;

/* A transport's part in it: what the peer may send that is not media we know. */
struct admission {
  uint32_t unknown_ssrcs; /* of `incoming`: Python has not named them */
  struct bucket datagrams, rtcp;
};

/* A datagram that came to the UDP port (`to` that address of ours, or NONE where nobody needs it),
 * or from a local peer's socket. Changed in place; `data` is 8-byte aligned. The caller keeps room in
 * the outbox for one packet's copies. */
void core_receive(struct core *core, const struct address *from, const struct address *to,
                  uint8_t *data, uint32_t length, int64_t arrival_ns, int64_t now);

#endif
