/* Owns receiving in batches: whole datagrams, with who sent them and when they came. */
#ifndef TONGKE_UDP_RECEIVE_H
#define TONGKE_UDP_RECEIVE_H

#include <stdalign.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "address.h"

#define RECEIVE_BATCH 64
#define RECEIVE_CONTROL_BYTES (CMSG_SPACE(sizeof(struct timespec)) + LOCAL_CONTROL_BYTES)
#define RECEIVE_BYTES 2048 /* above DATAGRAM_MAX, so that longer datagrams are seen to be longer */

struct received {
  struct address from;
  struct address to; /* our own address, of what may be STUN or DTLS; else NONE */
  uint8_t *data;
  uint32_t length;
  int64_t arrival_ns; /* CLOCK_MONOTONIC, by the kernel's own stamp */
};

struct receive_batch {
  uint32_t count;
  uint32_t written; /* of the headers: the first so many have the kernel's lengths in them */
  struct received datagrams[RECEIVE_BATCH];
  struct mmsghdr headers[RECEIVE_BATCH];
  struct iovec vectors[RECEIVE_BATCH];
  struct sockaddr_storage names[RECEIVE_BATCH];
  alignas(8) uint8_t control[RECEIVE_BATCH][RECEIVE_CONTROL_BYTES];
  alignas(8) uint8_t buffers[RECEIVE_BATCH][RECEIVE_BYTES];
};

struct receive_batch *receive_batch_new(void);
/* Takes what waits, without waiting; also from a Unix socket. `now` is CLOCK_MONOTONIC. */
void receive_batch_take(struct receive_batch *batch, int fd, int64_t now);

#endif
