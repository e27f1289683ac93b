/* Owns the connections: opening the port, accepting, reading, closing; see tcp.h. */
#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define LISTEN_BACKLOG 256
#define ACCEPTS_A_ROUND 16 /* a round is a millisecond or more */
#define EVENTS_A_ROUND 64
#define READS_A_ROUND 4    /* of one connection: nobody starves the others */
/* The kernel's own queue to a peer. It adds delay as it fills; TCP_BACKLOG_BYTES comes on top. */
#define SEND_BUFFER_BYTES (64 * 1024)
#define PLACE_BITS 12 /* of a connection's number: its place; the rest is a generation */

_Static_assert(TCP_CONNECTIONS_MAX == 1 << PLACE_BITS, "a number names every place");

static uint32_t number_of(const struct tcp_port *tcp, uint32_t place) {
  return tcp->generations[place] << PLACE_BITS | place;
}

static struct tcp_connection *find(const struct tcp_port *tcp, uint32_t number) {
  uint32_t place = number & (TCP_CONNECTIONS_MAX - 1);
  struct tcp_connection *connection = tcp->connections[place];
  return connection && connection->number == number ? connection : NULL;
}

struct tcp_connection *tcp_find(const struct tcp_port *tcp, const struct address *address) {
  return find(tcp, address->scope);
}

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

static int watch(const struct tcp_port *tcp, int fd, uint32_t number, uint32_t events, int how) {
  struct epoll_event event = {.events = events, .data.u32 = number};
  return epoll_ctl(tcp->epoll_fd, how, fd, &event);
}

int tcp_open(struct tcp_port *tcp, const char *host, uint16_t port, uint64_t seed) {
  for (uint32_t i = 0; i < TCP_CONNECTIONS_MAX; i++) tcp->generations[i] = 1;
  tcp->port = port;
  tcp->seed = seed;
  tcp->limit = connections_admitted();
  int error = listen_on(tcp, host, port);
  if (error) return error;
  tcp->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (tcp->epoll_fd < 0 || watch(tcp, tcp->listen_fd, 0, EPOLLIN, EPOLL_CTL_ADD) != 0)
    return errno;
  return 0;
}

void tcp_close(struct tcp_port *tcp) {
  for (uint32_t i = 0; i < TCP_CONNECTIONS_MAX && tcp->count; i++)
    if (tcp->connections[i]) tcp_end(tcp, tcp->connections[i]);
  if (tcp->listen_fd >= 0) close(tcp->listen_fd);
  if (tcp->epoll_fd >= 0) close(tcp->epoll_fd);
  tcp->listen_fd = tcp->epoll_fd = -1;
}

/* Connections ---------------------------------------------------------------------------------- */

static void append_unproved(struct tcp_port *tcp, struct tcp_connection *connection) {
  connection->older = tcp->newest;
  *(tcp->newest ? &tcp->newest->newer : &tcp->oldest) = connection;
  tcp->newest = connection;
}

static void remove_unproved(struct tcp_port *tcp, struct tcp_connection *connection) {
  *(connection->older ? &connection->older->newer : &tcp->oldest) = connection->newer;
  *(connection->newer ? &connection->newer->older : &tcp->newest) = connection->older;
  connection->older = connection->newer = NULL;
}

void tcp_prove(struct tcp_port *tcp, struct tcp_connection *connection) {
  if (!connection->is_proved) remove_unproved(tcp, connection);
  connection->is_proved = true;
}

void tcp_watch(struct tcp_port *tcp, struct tcp_connection *connection, bool wants_room) {
  if (connection->wants_room == wants_room) return;
  connection->wants_room = wants_room;
  watch(tcp, connection->fd, connection->number, EPOLLIN | (wants_room ? EPOLLOUT : 0),
        EPOLL_CTL_MOD);
}

void tcp_end(struct tcp_port *tcp, struct tcp_connection *connection) {
  uint32_t place = connection->number & (TCP_CONNECTIONS_MAX - 1);
  if (!connection->is_proved) remove_unproved(tcp, connection);
  tcp->connections[place] = NULL;
  if (++tcp->generations[place] == 1u << (32 - PLACE_BITS)) tcp->generations[place] = 1;
  tcp->hosts[connection->host]--;
  tcp->count--;
  close(connection->fd);
  free(connection->backlog);
  free(connection);
}

static bool make_room(struct tcp_port *tcp) {
  if (tcp->count < tcp->limit) return true;
  if (!tcp->oldest) return false;
  tcp->totals.refused++;
  tcp_end(tcp, tcp->oldest);
  return true;
}

static void add_connection(struct tcp_port *tcp, int fd, const struct sockaddr_in6 *name,
                           int64_t now) {
  struct address from = address_of_socket(name);
  uint32_t host = (uint32_t)(address_host_hash(&from, tcp->seed) % TCP_CONNECTIONS_MAX);
  bool admitted = tcp->hosts[host] < TCP_PER_HOST_MAX && make_room(tcp);
  struct tcp_connection *connection = admitted ? calloc(1, sizeof *connection) : NULL;
  if (!connection) {
    tcp->totals.refused++;
    close(fd);
    return;
  }
  uint32_t place = 0;
  while (tcp->connections[place]) place++;
  from.kind = ADDRESS_TCP;
  from.scope = number_of(tcp, place);
  connection->fd = fd;
  connection->number = from.scope;
  connection->from = from;
  connection->host = host;
  connection->accepted_ns = connection->received_ns = connection->progress_ns = now;
  tcp->connections[place] = connection;
  tcp->hosts[host]++;
  tcp->count++;
  tcp->totals.accepted++;
  append_unproved(tcp, connection);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
  if (watch(tcp, fd, connection->number, EPOLLIN, EPOLL_CTL_ADD) != 0) tcp_end(tcp, connection);
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
  if (tcp->epoll_fd < 0) return;
  int count = epoll_wait(tcp->epoll_fd, events, EVENTS_A_ROUND, 0);
  for (int i = 0; i < count; i++) {
    if (!events[i].data.u32) {
      accept_some(tcp, now);
      continue;
    }
    /* Found by number: an event before this one may have closed it. */
    struct tcp_connection *connection = find(tcp, events[i].data.u32);
    if (!connection) continue;
    bool goes_on = !(events[i].events & EPOLLOUT) || tcp_drain(tcp, connection, now);
    if (goes_on) goes_on = read_some(tcp, connection, batch, now, deliver, context);
    if (!goes_on) tcp_end(tcp, connection);
  }
  if (batch->count) deliver(context, batch);
  batch->count = 0;
}

void tcp_sweep(struct tcp_port *tcp, int64_t now) {
  if (now - tcp->swept_ns < SECOND_NS) return;
  tcp->swept_ns = now;
  for (uint32_t i = 0, left = tcp->count; i < TCP_CONNECTIONS_MAX && left; i++) {
    struct tcp_connection *connection = tcp->connections[i];
    if (!connection) continue;
    left--;
    bool expired = now - connection->received_ns >= TCP_IDLE_NS ||
                   (!connection->is_proved && now - connection->accepted_ns >= TCP_HANDSHAKE_NS);
    bool stalled = connection->backlog_used && now - connection->progress_ns >= TCP_STALL_NS;
    if (!expired && !stalled) continue;
    (*(expired ? &tcp->totals.expired : &tcp->totals.stalled))++;
    tcp_end(tcp, connection);
  }
}
