/* Owns the port: opening it, accepting, reading, and closing what has had its time; see tcp.h. */
#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tcp_send.h"

#define LISTEN_BACKLOG 256
#define ACCEPTS_A_ROUND 16 /* a round is a millisecond or more */
#define EVENTS_A_ROUND 64
#define READS_A_ROUND 4    /* of one connection: nobody starves the others */
/* The kernel's own queue to a peer. It adds delay as it fills; TCP_BACKLOG_BYTES comes on top. */
#define SEND_BUFFER_BYTES (64 * 1024)

/* Opening ------------------------------------------------------------------------------------- */

static void set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

static int listen_at(struct tcp_port *tcp, const struct sockaddr *name, socklen_t length) {
  tcp->listen_fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (tcp->listen_fd < 0) return errno;
  if (name->sa_family == AF_INET6) set_option(tcp->listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(tcp->listen_fd, SOL_SOCKET, SO_REUSEADDR, 1); /* restarted: old connections linger */
  if (bind(tcp->listen_fd, name, length) == 0 && listen(tcp->listen_fd, LISTEN_BACKLOG) == 0)
    return 0;
  int error = errno;
  close(tcp->listen_fd);
  tcp->listen_fd = -1;
  return error;
}

static int listen_on(struct tcp_port *tcp, const char *host, uint16_t port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  bool is_any = !host || strcmp(host, "::") == 0;
  if (!is_any && inet_pton(AF_INET, host, &v4.sin_addr) == 1)
    return listen_at(tcp, (struct sockaddr *)&v4, sizeof v4);
  if (!is_any && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1) return EINVAL;
  int error = listen_at(tcp, (struct sockaddr *)&v6, sizeof v6);
  if (is_any && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL))
    error = listen_at(tcp, (struct sockaddr *)&v4, sizeof v4);
  return error;
}

/* The pages and the lessons need descriptors too: a quarter of them is for this port. */
static uint32_t connections_admitted(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
    return TCP_CONNECTIONS_MAX;
  rlim_t quarter = files.rlim_cur / 4;
  return quarter < TCP_CONNECTIONS_MAX ? (uint32_t)quarter : TCP_CONNECTIONS_MAX;
}

int tcp_open(struct tcp_port *tcp, const char *host, uint16_t port, uint64_t seed) {
  struct epoll_event event = {.events = EPOLLIN}; /* number 0: no connection has it */
  tcp->port = port;
  tcp_table_init(&tcp->table, connections_admitted(), seed);
  int error = listen_on(tcp, host, port);
  if (error) return error;
  tcp->table.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (tcp->table.epoll_fd < 0 ||
      epoll_ctl(tcp->table.epoll_fd, EPOLL_CTL_ADD, tcp->listen_fd, &event) != 0)
    return errno;
  return 0;
}

void tcp_close(struct tcp_port *tcp) {
  tcp_table_end_all(&tcp->table);
  if (tcp->listen_fd >= 0) close(tcp->listen_fd);
  if (tcp->table.epoll_fd >= 0) close(tcp->table.epoll_fd);
  tcp->listen_fd = tcp->table.epoll_fd = -1;
}

/* Accepting ------------------------------------------------------------------------------------ */

static void add_connection(struct tcp_port *tcp, int fd, const struct sockaddr_in6 *name,
                           int64_t now) {
  if (!tcp_table_add(&tcp->table, fd, name, now)) return;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
}

static void accept_some(struct tcp_port *tcp, int64_t now) {
  for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int fd = accept4(tcp->listen_fd, (struct sockaddr *)&name, &length,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      add_connection(tcp, fd, (const struct sockaddr_in6 *)&name, now);
    else if (errno == EAGAIN || errno == EMFILE || errno == ENFILE)
      return;
  }
}

/* Work ----------------------------------------------------------------------------------------- */

static void add_frame(const struct tcp_connection *connection, uint32_t length,
                      struct receive_batch *batch, int64_t now) {
  uint8_t *buffer = batch->buffers[batch->count];
  memcpy(buffer, connection->deframer.frame, length < FRAME_KEPT_BYTES ? length : FRAME_KEPT_BYTES);
  batch->datagrams[batch->count++] =
      (struct received){.from = connection->from, .data = buffer, .length = length,
                        .arrival_ns = now};
}

/* False: it ended. */
static bool read_some(struct tcp_port *tcp, struct tcp_connection *connection,
                      struct receive_batch *batch, int64_t now, tcp_deliver *deliver,
                      void *context) {
  for (int i = 0; i < READS_A_ROUND; i++) {
    ssize_t count = recv(connection->fd, tcp->room, sizeof tcp->room, MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    connection->received_ns = now;
    for (uint32_t at = 0; at < (uint32_t)count;) {
      int32_t whole;
      at += deframer_take(&connection->deframer, tcp->room + at, (uint32_t)count - at, &whole);
      if (whole == FRAME_PARTIAL) continue;
      add_frame(connection, (uint32_t)whole, batch, now);
      if (batch->count < RECEIVE_BATCH) continue;
      deliver(context, batch);
      batch->count = 0;
    }
    if ((size_t)count < sizeof tcp->room) return true;
  }
  return true;
}

void tcp_work(struct tcp_port *tcp, struct receive_batch *batch, int64_t now,
              tcp_deliver *deliver, void *context) {
  struct epoll_event events[EVENTS_A_ROUND];
  if (tcp->table.epoll_fd < 0) return;
  batch->count = 0; /* what another socket left there has been worked through */
  int count = epoll_wait(tcp->table.epoll_fd, events, EVENTS_A_ROUND, 0);
  for (int i = 0; i < count; i++) {
    if (!events[i].data.u32) {
      accept_some(tcp, now);
      continue;
    }
    /* Found by number: an event before this one may have closed it. */
    struct tcp_connection *connection = tcp_table_get(&tcp->table, events[i].data.u32);
    if (!connection) continue;
    bool goes_on = !(events[i].events & EPOLLOUT) || tcp_drain(&tcp->table, connection, now);
    if (goes_on) goes_on = read_some(tcp, connection, batch, now, deliver, context);
    if (!goes_on) tcp_table_end(&tcp->table, connection);
  }
  if (batch->count) deliver(context, batch);
}

void tcp_sweep(struct tcp_port *tcp, int64_t now) {
  if (now - tcp->swept_ns < SECOND_NS) return;
  tcp->swept_ns = now;
  struct tcp_table *table = &tcp->table;
  for (uint32_t i = 0, left = table->count; i < TCP_CONNECTIONS_MAX && left; i++) {
    struct tcp_connection *connection = table->connections[i];
    if (!connection) continue;
    left--;
    bool expired = now - connection->received_ns >= TCP_IDLE_NS ||
                   (!connection->is_proved && now - connection->accepted_ns >= TCP_HANDSHAKE_NS);
    bool stalled = connection->backlog_used && now - connection->progress_ns >= TCP_STALL_NS;
    if (!expired && !stalled) continue;
    (*(expired ? &table->totals.expired : &table->totals.stalled))++;
    tcp_table_end(table, connection);
  }
}
