/* See plain.h. */
#include "plain.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define RETRY_NS (200 * MILLISECOND_NS) /* a reader that starts or restarts is found this soon */
#define SEND_BUFFER_BYTES (1024 * 1024)
#define RECEIVE_BUFFER_BYTES (4 * 1024 * 1024)

static bool name_of(const char *path, struct sockaddr_un *name, socklen_t *length) {
  size_t characters = strlen(path);
  if (characters == 0 || characters >= sizeof name->sun_path) return false;
  *name = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(name->sun_path, path, characters);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + characters + 1);
  return true;
}

static int open_socket(void) {
  return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int plain_listen(const char *path) {
  struct sockaddr_un name;
  socklen_t length;
  int bytes = RECEIVE_BUFFER_BYTES;
  if (!name_of(path, &name, &length)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int fd = open_socket();
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  unlink(path); /* a socket left behind by a killed process */
  if (bind(fd, (struct sockaddr *)&name, length) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

struct plain_link *plain_link_new(const char *path) {
  struct plain_link *link = calloc(1, sizeof *link);
  if (!link) return NULL;
  link->fd = -1;
  if (name_of(path, &link->name, &link->name_length)) return link;
  free(link);
  return NULL;
}

void plain_link_disconnect(struct plain_link *link) {
  if (link->fd >= 0) close(link->fd);
  link->fd = -1;
}

void plain_link_free(struct plain_link *link) {
  if (!link) return;
  plain_link_disconnect(link);
  free(link->backlog);
  free(link);
}

static bool is_connected(struct plain_link *link, int64_t now) {
  int bytes = SEND_BUFFER_BYTES;
  if (link->fd >= 0) return true;
  if (now < link->retry_at_ns) return false;
  link->retry_at_ns = now + RETRY_NS;
  link->fd = open_socket();
  if (link->fd < 0) return false;
  setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (connect(link->fd, (struct sockaddr *)&link->name, link->name_length) == 0) return true;
  plain_link_disconnect(link);
  return false;
}

static enum plain_result try_send(struct plain_link *link, const uint8_t *data, uint32_t length,
                                  int64_t now) {
  if (!is_connected(link, now)) return PLAIN_GONE;
  if (send(link->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return PLAIN_SENT;
  if (errno == EAGAIN || errno == ENOBUFS) return PLAIN_FULL;
  plain_link_disconnect(link); /* the reader closed its socket; it may open it again */
  return PLAIN_GONE;
}

static void ring_copy_in(struct plain_link *link, const void *data, uint32_t length) {
  uint32_t at = (link->backlog_start + link->backlog_used) % BACKLOG_BYTES;
  uint32_t before_end = BACKLOG_BYTES - at < length ? BACKLOG_BYTES - at : length;
  memcpy(link->backlog + at, data, before_end);
  memcpy(link->backlog, (const uint8_t *)data + before_end, length - before_end);
  link->backlog_used += length;
}

static void ring_copy_out(const struct plain_link *link, uint32_t skip, void *out,
                          uint32_t length) {
  uint32_t at = (link->backlog_start + skip) % BACKLOG_BYTES;
  uint32_t before_end = BACKLOG_BYTES - at < length ? BACKLOG_BYTES - at : length;
  memcpy(out, link->backlog + at, before_end);
  memcpy((uint8_t *)out + before_end, link->backlog, length - before_end);
}

static enum plain_result keep(struct plain_link *link, const uint8_t *data, uint32_t length) {
  if (!link->backlog) link->backlog = malloc(BACKLOG_BYTES);
  if (!link->backlog || link->backlog_used + sizeof length + length > BACKLOG_BYTES)
    return PLAIN_FULL;
  ring_copy_in(link, &length, sizeof length);
  ring_copy_in(link, data, length);
  return PLAIN_KEPT;
}

enum plain_result plain_link_send(struct plain_link *link, const uint8_t *data, uint32_t length,
                                  int64_t now) {
  if (link->backlog_used) return keep(link, data, length);
  enum plain_result result = try_send(link, data, length, now);
  return result == PLAIN_FULL ? keep(link, data, length) : result;
}

bool plain_link_drain(struct plain_link *link, uint32_t *sent, uint32_t *dropped, int64_t now) {
  uint8_t datagram[2048];
  uint32_t length;
  *sent = *dropped = 0;
  while (link->backlog_used) {
    ring_copy_out(link, 0, &length, sizeof length);
    ring_copy_out(link, sizeof length, datagram, length);
    enum plain_result result = try_send(link, datagram, length, now);
    if (result == PLAIN_FULL) return true;
    *(result == PLAIN_SENT ? sent : dropped) += 1;
    link->backlog_start = (uint32_t)((link->backlog_start + sizeof length + length) % BACKLOG_BYTES);
    link->backlog_used -= (uint32_t)sizeof length + length;
  }
  return false;
}
