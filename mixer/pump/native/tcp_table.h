/* Owns the TCP connections there are: each has a place and a number, and proves itself or makes room
 * for the next (tcp.h). Who reads from them and who sends find them here; neither knows the other.
 *
 * So many connections at all, and from one host. When all places are taken, the oldest that has
 * proved nothing makes room for the newest. */
#ifndef TONGKE_TCP_TABLE_H
#define TONGKE_TCP_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "framing.h"

#define TCP_CONNECTIONS_MAX 4096
/* A school of 60 devices behind one address, each with two media connections, each of which tries
 * a few of our addresses at once. */
#define TCP_PER_HOST_MAX 512

struct tcp_connection {
  int fd;
  uint32_t number; /* of the place and of how often it was taken: never the same twice for long */
  struct address from;
  uint32_t host; /* its bucket in tcp_table.hosts */
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

struct tcp_table {
  int epoll_fd; /* watches their sockets, each by its number; −1: there is no TCP port */
  uint32_t count, limit;
  uint64_t seed;
  struct tcp_connection *connections[TCP_CONNECTIONS_MAX];
  uint32_t generations[TCP_CONNECTIONS_MAX];
  uint16_t hosts[TCP_CONNECTIONS_MAX]; /* connections by keyed hash of their host */
  struct tcp_connection *oldest, *newest;
  struct tcp_totals totals;
};

/* `table->epoll_fd` is the caller's, to open and to close. */
void tcp_table_init(struct tcp_table *table, uint32_t limit, uint64_t seed);
/* Takes a socket that was accepted from `name`. False: there is no room, and it is closed. */
bool tcp_table_add(struct tcp_table *table, int fd, const struct sockaddr_in6 *name, int64_t now);
struct tcp_connection *tcp_table_get(const struct tcp_table *table, uint32_t number);
/* The address by which everyone else knows a connection: its host and port, and its number. */
struct tcp_connection *tcp_table_find(const struct tcp_table *table,
                                      const struct address *address);
void tcp_table_prove(struct tcp_table *table, struct tcp_connection *connection);
/* Whether to be told when the socket takes more. */
void tcp_table_watch(const struct tcp_table *table, struct tcp_connection *connection,
                     bool wants_room);
void tcp_table_end(struct tcp_table *table, struct tcp_connection *connection);
void tcp_table_end_all(struct tcp_table *table);

#endif
