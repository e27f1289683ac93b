/* See tcp_send.h. */
#include "tcp_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_A_CALL 32

struct frames {
  uint32_t count;
  uint8_t heads[FRAMES_A_CALL][FRAME_HEAD_BYTES];
  struct iovec vectors[2 * FRAMES_A_CALL]; /* a head, its content, a head, … */
};

static void add_frame(struct frames *frames, const uint8_t *data, uint32_t length) {
  uint8_t *head = frames->heads[frames->count];
  frame_write_head(head, length);
  frames->vectors[2 * frames->count] = (struct iovec){head, FRAME_HEAD_BYTES};
  frames->vectors[2 * frames->count + 1] = (struct iovec){(uint8_t *)data, length};
  frames->count++;
}

static size_t frame_bytes(const struct frames *frames, uint32_t i) {
  return FRAME_HEAD_BYTES + frames->vectors[2 * i + 1].iov_len;
}

static void append(struct tcp_connection *connection, const uint8_t *bytes, size_t length) {
  if (connection->backlog_start + connection->backlog_used + length > TCP_BACKLOG_BYTES) {
    memmove(connection->backlog, connection->backlog + connection->backlog_start,
            connection->backlog_used);
    connection->backlog_start = 0;
  }
  memcpy(connection->backlog + connection->backlog_start + connection->backlog_used, bytes, length);
  connection->backlog_used += (uint32_t)length;
}

/* Keeps what is left of frame `i` after its first `sent` bytes; false: no room. */
static bool keep(struct tcp_connection *connection, const struct frames *frames, uint32_t i,
                 size_t sent) {
  if (!connection->backlog) connection->backlog = malloc(TCP_BACKLOG_BYTES);
  if (!connection->backlog) return false;
  if (connection->backlog_used + frame_bytes(frames, i) - sent > TCP_BACKLOG_BYTES) return false;
  for (uint32_t part = 2 * i; part <= 2 * i + 1; part++) {
    const struct iovec *vector = &frames->vectors[part];
    size_t skipped = sent < vector->iov_len ? sent : vector->iov_len;
    append(connection, (const uint8_t *)vector->iov_base + skipped, vector->iov_len - skipped);
    sent -= skipped;
  }
  return true;
}

/* Offers the frames to the socket; returns the bytes it took, or −1: it is broken. */
static ssize_t offer(const struct tcp_connection *connection, struct frames *frames) {
  struct msghdr header = {.msg_iov = frames->vectors, .msg_iovlen = 2 * frames->count};
  ssize_t sent = sendmsg(connection->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

/* It is ended by tcp_work(), whom epoll tells: somebody may be reading from it now. */
static bool break_off(struct tcp_connection *connection) {
  connection->is_broken = true;
  shutdown(connection->fd, SHUT_RDWR);
  return false;
}

static bool send_frames(struct tcp_table *table, struct tcp_connection *connection,
                        struct frames *frames, int64_t now, struct send_totals *totals) {
  ssize_t taken = 0;
  if (!connection->backlog_used) {
    taken = offer(connection, frames);
    totals->calls++;
    if (taken < 0) {
      table->totals.dropped_gone += frames->count;
      return break_off(connection);
    }
    connection->progress_ns = now;
  }
  size_t left = (size_t)taken;
  for (uint32_t i = 0; i < frames->count; i++) {
    size_t bytes = frame_bytes(frames, i), sent = left < bytes ? left : bytes;
    left -= sent;
    bool goes = sent == bytes || keep(connection, frames, i, sent);
    if (!goes) {
      table->totals.dropped_full++;
      if (sent) return break_off(connection); /* begun, and no memory to finish it */
      continue;
    }
    totals->datagrams++;
    totals->bytes += bytes;
  }
  tcp_table_watch(table, connection, connection->backlog_used > 0);
  return true;
}

static struct tcp_connection *open_connection(const struct tcp_table *table,
                                              const struct address *address) {
  struct tcp_connection *connection = tcp_table_find(table, address);
  return connection && !connection->is_broken ? connection : NULL;
}

void tcp_send(struct tcp_table *table, const struct outbox *outbox,
              const struct destination *destination, int64_t now, struct send_totals *totals) {
  struct tcp_connection *connection = open_connection(table, &destination->address);
  struct frames frames = {.count = 0};
  uint32_t done = 0;
  for (uint16_t i = destination->first; connection && i != OUTBOX_NONE;) {
    const struct out_packet *packet = &outbox->packets[i];
    add_frame(&frames, packet->bytes, packet->length);
    i = packet->next;
    if (frames.count < FRAMES_A_CALL && i != OUTBOX_NONE) continue;
    done += frames.count;
    if (!send_frames(table, connection, &frames, now, totals)) connection = NULL;
    frames.count = 0;
  }
  table->totals.dropped_gone += destination->count - done;
}

/* Python answers a connectivity check with success (RFC 8489 §5: a Binding success response) only
 * when it was made with the password of a session. */
static bool is_proof(const uint8_t *data, uint32_t length) {
  return length >= 2 && data[0] == 0x01 && data[1] == 0x01;
}

void tcp_send_one(struct tcp_table *table, const struct address *to, const uint8_t *data,
                  uint32_t length, int64_t now, struct send_totals *totals) {
  struct tcp_connection *connection = open_connection(table, to);
  struct frames frames = {.count = 0};
  if (!connection) {
    table->totals.dropped_gone++;
    return;
  }
  if (is_proof(data, length)) tcp_table_prove(table, connection);
  add_frame(&frames, data, length);
  send_frames(table, connection, &frames, now, totals);
}

bool tcp_drain(const struct tcp_table *table, struct tcp_connection *connection, int64_t now) {
  if (!connection->backlog_used) return true;
  ssize_t sent = send(connection->fd, connection->backlog + connection->backlog_start,
                      connection->backlog_used, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  connection->progress_ns = now;
  connection->backlog_start += (uint32_t)sent;
  connection->backlog_used -= (uint32_t)sent;
  if (!connection->backlog_used) connection->backlog_start = 0;
  tcp_table_watch(table, connection, connection->backlog_used > 0);
  return true;
}
