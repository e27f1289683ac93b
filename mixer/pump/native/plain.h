/* Owns a local peer's socket: plain RTP and RTCP in Unix datagrams, the recorder's and the mixer's
 * way in and out.
 *
 * The kernel queues only ten datagrams per reader by default (net.unix.max_dgram_qlen), fewer than
 * one picture has packets; so what does not fit waits here, bounded. Nothing a reader does or fails
 * to do holds up the pump. */
#ifndef TONGKE_PLAIN_H
#define TONGKE_PLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Four seconds of 2 Mb/s: longer than any hiccup of a reader that lives, and room for what a reader
 * begins with (consumer_join_past). */
#define BACKLOG_BYTES (1024 * 1024)

struct plain_link {
  int fd; /* −1: not connected */
  struct sockaddr_un name;
  socklen_t name_length;
  int64_t retry_at_ns;
  uint8_t *backlog; /* records of a 4-byte length and the datagram, as a ring; lazily taken */
  uint32_t backlog_start, backlog_used;
  bool is_draining; /* in the pump's list of links with a backlog */
  struct plain_link *next_draining;
  struct plain_link *next_closing;
};

enum plain_result { PLAIN_SENT, PLAIN_KEPT, PLAIN_FULL, PLAIN_GONE };

/* NULL: no memory, or `path` is longer than a socket's name may be. */
struct plain_link *plain_link_new(const char *path);
void plain_link_free(struct plain_link *link);
void plain_link_disconnect(struct plain_link *link);
enum plain_result plain_link_send(struct plain_link *link, const uint8_t *data, uint32_t length,
                                  int64_t now);
/* Sends what waits; true while something still does. `*dropped` counts what could not be sent. */
bool plain_link_drain(struct plain_link *link, uint32_t *sent, uint32_t *dropped, int64_t now);

/* The pump's own socket, from which local peers' media is read. −1 with errno. */
int plain_listen(const char *path);

#endif
