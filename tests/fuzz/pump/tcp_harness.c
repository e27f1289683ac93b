/* Fuzzes the TCP port under sanitizers, on loopback sockets, with time as an argument.
 *
 * Invariant: every frame a peer writes is delivered once, in order, with its length and its
 * beginning, however the stream is cut; what a peer reads is whole frames, in the order they were
 * sent; connections never exceed the limit; who proves nothing, is silent, or takes nothing is
 * closed when its time has come, and nobody else is.
 *
 * usage: tcp_harness SEED ROUNDS */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "hostile.h"
#include "tcp.h"
#include "tcp_send.h"

#define PEERS 24
#define LIMIT 16
#define EXPECTED 64

struct peer {
  int fd; /* −1: not connected */
  uint16_t local_port;
  struct address address;     /* kind NONE until a frame of it was delivered */
  uint32_t written, delivered; /* frames; their lengths and first bytes follow from the number */
  uint32_t begun;             /* bytes of the present frame already written */
  uint32_t sent, read;        /* datagrams sent to it by the port, and read by it */
  struct deframer deframer;
  bool is_proved;
};

static struct tcp_port port;
static struct tcp_table *const table = &port.table;
static struct peer peers[PEERS];
static struct receive_batch *batch;
static struct outbox *outbox;
static struct send_totals totals;
static int64_t now = SECOND_NS;
static uint64_t frames_delivered, frames_read, connections_made;

/* The n-th frame of any peer is always the same. */
static uint32_t frame_length(uint32_t number) {
  static const uint16_t lengths[] = {5, 0, 1, 1200, 1500, 1501, 4, 65535, 40, 3, 1504, 1505, 700};
  return lengths[number % 13];
}

static uint8_t frame_byte(uint32_t number, uint32_t at) { return (uint8_t)(number * 31 + at); }

static struct peer *peer_of(uint16_t local_port) {
  for (int i = 0; i < PEERS; i++)
    if (peers[i].fd >= 0 && peers[i].local_port == local_port) return &peers[i];
  return NULL;
}

static void deliver(void *context, const struct receive_batch *received) {
  (void)context;
  REQUIRE(received->count > 0 && received->count <= RECEIVE_BATCH);
  for (uint32_t i = 0; i < received->count; i++) {
    const struct received *datagram = &received->datagrams[i];
    struct peer *peer = peer_of(datagram->from.port);
    if (!peer) continue; /* it closed meanwhile */
    uint32_t number = peer->delivered++;
    REQUIRE(datagram->length == frame_length(number));
    for (uint32_t at = 0; at < datagram->length && at < FRAME_KEPT_BYTES; at++)
      REQUIRE(datagram->data[at] == frame_byte(number, at));
    peer->address = datagram->from;
    frames_delivered++;
  }
}

static void work(void) {
  tcp_work(&port, batch, now, deliver, NULL);
  REQUIRE(table->count <= LIMIT);
}

static void forget(struct peer *peer) {
  close(peer->fd);
  *peer = (struct peer){.fd = -1};
}

static void connect_peer(struct peer *peer) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int bytes = 4096;
  *peer = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  REQUIRE(connect(peer->fd, (struct sockaddr *)&name, sizeof name) == 0);
  getsockname(peer->fd, (struct sockaddr *)&name, &length);
  peer->local_port = ntohs(name.sin_port);
  connections_made++;
}

/* Writes a random number of bytes of the peer's endless stream of frames. */
static void write_some(struct peer *peer) {
  static uint8_t stream[65537];
  uint32_t budget = any(4) ? 1 + any(40) : 1 + any(9000);
  while (budget && peer->fd >= 0) {
    uint32_t length = frame_length(peer->written);
    frame_write_head(stream, length);
    for (uint32_t at = 0; at < length; at++) stream[2 + at] = frame_byte(peer->written, at);
    uint32_t count = 2 + length - peer->begun;
    if (count > budget) count = budget;
    ssize_t sent = send(peer->fd, stream + peer->begun, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      forget(peer);
      return;
    }
    budget -= (uint32_t)sent;
    peer->begun += (uint32_t)sent;
    if (peer->begun < 2 + length) continue;
    peer->begun = 0;
    peer->written++;
  }
}

/* A datagram to a peer tells its number; a proof is one too. */
static void send_one(struct peer *peer) {
  uint8_t data[1400];
  uint32_t length = 6 + any(sizeof data - 6);
  memset(data, 0xaa, sizeof data);
  if (!peer->is_proved && any(2)) {
    data[0] = data[1] = 1;
    peer->is_proved = true;
  }
  write_u32(data + 2, peer->sent);
  uint64_t before = table->totals.dropped_full + table->totals.dropped_gone;
  tcp_send_one(table, &peer->address, data, length, now, &totals);
  if (table->totals.dropped_full + table->totals.dropped_gone == before) peer->sent++;
}

static void send_burst(struct peer *peer) {
  uint32_t count = 1 + any(100);
  struct outbox_place place = {0};
  struct address none = {.kind = ADDRESS_NONE};
  outbox_clear(outbox);
  for (uint32_t i = 0; i < count; i++) {
    struct out_packet *packet = outbox_next(outbox);
    packet->length = (uint16_t)(6 + any(1200));
    memset(packet->bytes, 0xbb, packet->length);
    write_u32(packet->bytes + 2, UINT32_MAX); /* numbered by what goes: see read_some() */
    REQUIRE(outbox_add(outbox, &peer->address, &none, NULL, &place));
  }
  tcp_send(table, outbox, &outbox->destinations[0], now, &totals);
}

static void read_some(struct peer *peer) {
  static uint8_t room[20000];
  ssize_t count = recv(peer->fd, room, 1 + any(sizeof room), MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    forget(peer);
    return;
  }
  for (uint32_t at = 0; at < (uint32_t)count;) {
    int32_t whole;
    uint8_t exact[64]; /* in small exact pieces, so that one byte too far is seen */
    uint32_t piece = (uint32_t)count - at < sizeof exact ? (uint32_t)count - at : sizeof exact;
    memcpy(exact, room + at, piece);
    at += deframer_take(&peer->deframer, exact, piece, &whole);
    if (whole == FRAME_PARTIAL) continue;
    REQUIRE(whole >= 6 && whole <= 1400);
    uint32_t number = read_u32(peer->deframer.frame + 2);
    if (number != UINT32_MAX) REQUIRE(number == peer->read++);
    frames_read++;
  }
}

static void one_round(void) {
  struct peer *peer = &peers[any(PEERS)];
  bool is_known = peer->fd >= 0 && tcp_table_find(table, &peer->address);
  switch (any(12)) {
    case 0:
      if (peer->fd < 0) connect_peer(peer);
      break;
    case 1:
      if (peer->fd >= 0 && any(20) == 0) forget(peer);
      break;
    case 2:
      if (is_known) send_one(peer);
      break;
    case 3:
      if (is_known) send_burst(peer);
      break;
    case 4:
    case 5:
    case 6:
      if (peer->fd >= 0) read_some(peer);
      break;
    case 7:
      now += any(5) * MILLISECOND_NS;
      break;
    case 8:
      if (any(200) == 0) now += any(20) * SECOND_NS;
      tcp_sweep(&port, now);
      break;
    default:
      if (peer->fd >= 0) write_some(peer);
  }
  if (any(2)) work();
}

static void everybody_leaves(void) {
  for (int i = 0; i < PEERS; i++)
    if (peers[i].fd >= 0) forget(&peers[i]);
  for (int i = 0; i < 100; i++) work();
  REQUIRE(table->count == 0 && !table->oldest && !table->newest);
}

/* Time alone: who proved nothing, who is silent, who takes nothing. */
static void expiries(void) {
  struct peer *strange = &peers[0], *silent = &peers[1], *stalled = &peers[2], *good = &peers[3];
  struct peer *all[] = {strange, silent, stalled, good};
  for (int i = 0; i < 4; i++) {
    connect_peer(all[i]);
    all[i]->written = 1; /* an empty frame, two bytes */
    all[i]->delivered = 1;
  }
  struct tcp_totals before = table->totals;
  for (int i = 0; i < 4; i++)
    while (all[i]->address.kind == ADDRESS_NONE) {
      write_some(all[i]);
      work();
    }
  uint8_t proof[6] = {1, 1};
  for (int i = 1; i < 4; i++)
    tcp_send_one(table, &all[i]->address, proof, sizeof proof, now, &totals);
  stalled->sent = 1;
  while (table->totals.dropped_full == before.dropped_full) send_burst(stalled);
  tcp_sweep(&port, now += TCP_HANDSHAKE_NS - TCP_STALL_NS);
  REQUIRE(table->count == 4);
  tcp_sweep(&port, now += TCP_STALL_NS);
  REQUIRE(!tcp_table_find(table, &strange->address) && !tcp_table_find(table, &stalled->address));
  REQUIRE(tcp_table_find(table, &silent->address) && tcp_table_find(table, &good->address));
  REQUIRE(table->totals.expired == before.expired + 1);
  REQUIRE(table->totals.stalled == before.stalled + 1);
  now += TCP_IDLE_NS - TCP_HANDSHAKE_NS - SECOND_NS;
  uint32_t heard = good->delivered;
  while (good->delivered == heard) {
    write_some(good);
    work();
  }
  tcp_sweep(&port, now += SECOND_NS);
  REQUIRE(!tcp_table_find(table, &silent->address) && tcp_table_find(table, &good->address));
  everybody_leaves();
}

int main(int count, char **arguments) {
  uint64_t seed = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
  uint64_t rounds = count > 2 ? strtoull(arguments[2], NULL, 10) : 100000;
  state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  batch = receive_batch_new();
  outbox = outbox_new();
  for (int i = 0; i < PEERS; i++) peers[i].fd = -1;
  REQUIRE(tcp_open(&port, "127.0.0.1", 0, seed) == 0);
  struct sockaddr_in name;
  socklen_t length = sizeof name;
  getsockname(port.listen_fd, (struct sockaddr *)&name, &length);
  port.port = ntohs(name.sin_port);
  table->limit = LIMIT;
  for (uint64_t i = 0; i < rounds; i++) one_round();
  everybody_leaves();
  expiries();
  printf("%llu connections, %llu frames delivered, %llu read, %llu dropped, %llu ended\n",
         (unsigned long long)connections_made, (unsigned long long)frames_delivered,
         (unsigned long long)frames_read, (unsigned long long)table->totals.dropped_full,
         (unsigned long long)(table->totals.refused + table->totals.expired +
                              table->totals.stalled));
  tcp_close(&port);
  outbox_free(outbox);
  free(batch);
  return 0;
}
