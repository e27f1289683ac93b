/* Owns the TCP port: peers whose network lets no UDP through connect to it (ICE-TCP, passive
 * candidates, RFC 6544) and speak in frames of one datagram each (framing.h).
 *
 * All of it is the pump thread's own; nothing blocks. What a peer may cost is bounded:
 * - A connection must prove itself (a connectivity check that Python answers with success) within
 *   TCP_HANDSHAKE_NS, and is closed after TCP_IDLE_NS without a byte from it.
 * - So many connections at all, and from one host (tcp_table.h).
 * - What a slow peer's socket does not take waits, bounded (tcp_send.h), and a peer that takes
 *   nothing for TCP_STALL_NS is closed. */
#ifndef TONGKE_TCP_H
#define TONGKE_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "tcp_table.h"
#include "udp_receive.h"

#define TCP_HANDSHAKE_NS (15 * SECOND_NS) /* a browser on a bad line takes that long to begin */
#define TCP_IDLE_NS (60 * SECOND_NS)      /* consent is gone after 30 s (RFC 7675 §5.1) */
#define TCP_STALL_NS (10 * SECOND_NS)
#define TCP_READ_BYTES (16 * 1024)

struct tcp_port {
  int listen_fd; /* −1: there is no TCP port */
  uint16_t port;
  int64_t swept_ns;
  struct tcp_table table;
  uint8_t room[TCP_READ_BYTES];
};

/* 0 or errno. `host` as udp_open() takes it. */
int tcp_open(struct tcp_port *tcp, const char *host, uint16_t port, uint64_t seed);
void tcp_close(struct tcp_port *tcp);

/* Accepts, reads, and sends what waits, as far as it goes. `deliver` gets whole datagrams, a batch
 * at a time; it may send, but not end connections. */
typedef void tcp_deliver(void *context, const struct receive_batch *batch);
void tcp_work(struct tcp_port *tcp, struct receive_batch *batch, int64_t now,
              tcp_deliver *deliver, void *context);
/* About once a second, by itself: closes what is idle, unproved or stalled. */
void tcp_sweep(struct tcp_port *tcp, int64_t now);

#endif
