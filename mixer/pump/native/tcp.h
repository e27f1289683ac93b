/* Owns the TCP port: peers whose network lets no UDP through connect to it (ICE-TCP, passive
 * candidates, RFC 6544) and speak in frames of one datagram each (framing.h).
 *
 * All of it is the pump thread's own; nothing blocks. What a peer may cost is bounded:
 * - A connection must prove itself (a connectivity check that Python answers with success) within
 *   TCP_HANDSHAKE_NS, and is closed after TCP_IDLE_NS without a byte from it.
 * - So many connections at all, and from one host. When all places are taken, the oldest that has
 *   proved nothing makes room for the newest.
 * - What a slow peer's socket does not take waits, up to TCP_BACKLOG_BYTES; beyond that whole
 *   datagrams are dropped, and a peer that takes nothing for TCP_STALL_NS is closed. */
#ifndef TONGKE_TCP_H
#define TONGKE_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "clock.h"
#include "framing.h"
#include "outbox.h"
#include "udp.h"

#define TCP_CONNECTIONS_MAX 4096
/* A school of 60 devices behind one address, each with two media connections, each of which tries
 * a few of our addresses at once. */
#define TCP_PER_HOST_MAX 512
#define TCP_HANDSHAKE_NS (15 * SECOND_NS) /* a browser on a bad line takes that long to begin */
#define TCP_IDLE_NS (60 * SECOND_NS)      /* consent is gone after 30 s (RFC 7675 §5.1) */
#define TCP_STALL_NS (10 * SECOND_NS)
/* Half a second of 1 Mb/s: a keyframe of all rooms. What waits longer is late, not saved. */
#define TCP_BACKLOG_BYTES (64 * 1024)
#define TCP_READ_BYTES (16 * 1024)

struct tcp_connection {
  int fd;
  uint32_t number; /* of the place and of how often it was taken: never the same twice for long */
  struct address from;
  uint32_t host; /* its bucket in tcp_port.hosts */
  bool is_proved;
  bool is_broken; /* nothing more is sent; tcp_work() ends it */
  bool wants_room; /* epoll tells when the socket takes more */
  int64_t accepted_ns, received_ns, progress_ns;
  struct tcp_connection *older, *newer; /* among those that have proved nothing */
  uint8_t *backlog; /* NULL until it is needed */
  uint32_t backlog_start, backlog_used;
  struct deframer deframer;
};

/* What happened since it was last asked for. */
struct tcp_totals {
  uint64_t accepted;
  uint64_t refused; /* beyond a cap */
  uint64_t expired; /* never proved, or idle */
  uint64_t stalled;
  uint64_t dropped_full, dropped_gone; /* datagrams */
};

struct tcp_port {
  int listen_fd, epoll_fd; /* −1: there is no TCP port */
  uint16_t port;
  uint32_t count, limit;
  uint64_t seed;
  int64_t swept_ns;
  struct tcp_connection *connections[TCP_CONNECTIONS_MAX];
  uint32_t generations[TCP_CONNECTIONS_MAX];
  uint16_t hosts[TCP_CONNECTIONS_MAX]; /* connections by keyed hash of their host */
  struct tcp_connection *oldest, *newest;
  struct tcp_totals totals;
  uint8_t room[TCP_READ_BYTES];
};

/* 0 or errno. `host` as udp_open() takes it. */
int tcp_open(struct tcp_port *tcp, const char *host, uint16_t port, uint64_t seed);
void tcp_close(struct tcp_port *tcp);
/* The address by which everyone else knows a connection: its host and port, and its number. */
struct tcp_connection *tcp_find(const struct tcp_port *tcp, const struct address *address);
void tcp_end(struct tcp_port *tcp, struct tcp_connection *connection);
void tcp_prove(struct tcp_port *tcp, struct tcp_connection *connection);
/* Whether to be told when the socket takes more. */
void tcp_watch(struct tcp_port *tcp, struct tcp_connection *connection, bool wants_room);

/* Accepts, reads, and sends what waits, as far as it goes. `deliver` gets whole datagrams, a batch
 * at a time; it may send, but not end connections. */
typedef void tcp_deliver(void *context, const struct receive_batch *batch);
void tcp_work(struct tcp_port *tcp, struct receive_batch *batch, int64_t now,
              tcp_deliver *deliver, void *context);
/* About once a second, by itself: closes what is idle, unproved or stalled. */
void tcp_sweep(struct tcp_port *tcp, int64_t now);

/* tcp_send.c */
void tcp_send(struct tcp_port *tcp, const struct outbox *outbox,
              const struct destination *destination, int64_t now, struct send_totals *totals);
void tcp_send_one(struct tcp_port *tcp, const struct address *to, const uint8_t *data,
                  uint32_t length, int64_t now, struct send_totals *totals);
/* Offers the socket what waits; false: it is broken. */
bool tcp_drain(struct tcp_port *tcp, struct tcp_connection *connection, int64_t now);

#endif
