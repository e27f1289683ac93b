/* See tcp_table.h. */
#include "tcp_table.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PLACE_BITS 12 /* of a connection's number: its place; the rest is a generation */

_Static_assert(TCP_CONNECTIONS_MAX == 1 << PLACE_BITS, "a number names every place");

static uint32_t number_of(const struct tcp_table *table, uint32_t place) {
  return table->generations[place] << PLACE_BITS | place;
}

static int watch(const struct tcp_table *table, int fd, uint32_t number, uint32_t events, int how) {
  struct epoll_event event = {.events = events, .data.u32 = number};
  return epoll_ctl(table->epoll_fd, how, fd, &event);
}

void tcp_table_init(struct tcp_table *table, uint32_t limit, uint64_t seed) {
  for (uint32_t i = 0; i < TCP_CONNECTIONS_MAX; i++) table->generations[i] = 1;
  table->limit = limit;
  table->seed = seed;
}

struct tcp_connection *tcp_table_get(const struct tcp_table *table, uint32_t number) {
  uint32_t place = number & (TCP_CONNECTIONS_MAX - 1);
  struct tcp_connection *connection = table->connections[place];
  return connection && connection->number == number ? connection : NULL;
}

struct tcp_connection *tcp_table_find(const struct tcp_table *table,
                                      const struct address *address) {
  return tcp_table_get(table, address->scope);
}

static void append_unproved(struct tcp_table *table, struct tcp_connection *connection) {
  connection->older = table->newest;
  *(table->newest ? &table->newest->newer : &table->oldest) = connection;
  table->newest = connection;
}

static void remove_unproved(struct tcp_table *table, struct tcp_connection *connection) {
  *(connection->older ? &connection->older->newer : &table->oldest) = connection->newer;
  *(connection->newer ? &connection->newer->older : &table->newest) = connection->older;
  connection->older = connection->newer = NULL;
}

void tcp_table_prove(struct tcp_table *table, struct tcp_connection *connection) {
  if (!connection->is_proved) remove_unproved(table, connection);
  connection->is_proved = true;
}

void tcp_table_watch(const struct tcp_table *table, struct tcp_connection *connection,
                     bool wants_room) {
  if (connection->wants_room == wants_room) return;
  connection->wants_room = wants_room;
  watch(table, connection->fd, connection->number, EPOLLIN | (wants_room ? EPOLLOUT : 0),
        EPOLL_CTL_MOD);
}

void tcp_table_end(struct tcp_table *table, struct tcp_connection *connection) {
  uint32_t place = connection->number & (TCP_CONNECTIONS_MAX - 1);
  if (!connection->is_proved) remove_unproved(table, connection);
  table->connections[place] = NULL;
  if (++table->generations[place] == 1u << (32 - PLACE_BITS)) table->generations[place] = 1;
  table->hosts[connection->host]--;
  table->count--;
  close(connection->fd);
  free(connection->backlog);
  free(connection);
}

void tcp_table_end_all(struct tcp_table *table) {
  for (uint32_t i = 0; i < TCP_CONNECTIONS_MAX && table->count; i++)
    if (table->connections[i]) tcp_table_end(table, table->connections[i]);
}

static bool make_room(struct tcp_table *table) {
  if (table->count < table->limit) return true;
  if (!table->oldest) return false;
  table->totals.refused++;
  tcp_table_end(table, table->oldest);
  return true;
}

bool tcp_table_add(struct tcp_table *table, int fd, const struct sockaddr_in6 *name, int64_t now) {
  struct address from = address_of_socket(name);
  uint32_t host = (uint32_t)(address_host_hash(&from, table->seed) % TCP_CONNECTIONS_MAX);
  bool admitted = table->hosts[host] < TCP_PER_HOST_MAX && make_room(table);
  struct tcp_connection *connection = admitted ? calloc(1, sizeof *connection) : NULL;
  if (!connection) {
    table->totals.refused++;
    close(fd);
    return false;
  }
  uint32_t place = 0;
  while (table->connections[place]) place++;
  from.kind = ADDRESS_TCP;
  from.scope = number_of(table, place);
  connection->fd = fd;
  connection->number = from.scope;
  connection->from = from;
  connection->host = host;
  connection->accepted_ns = connection->received_ns = connection->progress_ns = now;
  table->connections[place] = connection;
  table->hosts[host]++;
  table->count++;
  table->totals.accepted++;
  append_unproved(table, connection);
  if (watch(table, fd, connection->number, EPOLLIN, EPOLL_CTL_ADD) == 0) return true;
  tcp_table_end(table, connection);
  return false;
}
