/* Owns the UDP port: opening it for both address families, receiving in batches, and sending the
 * outbox with as few system calls as the kernel allows (sendmmsg, and UDP segmentation offload for
 * runs of equal size to one address).
 *
 * A host has several addresses, and a peer believes only what comes from the one it spoke to. A
 * socket bound to all of them learns from the kernel which one a datagram came to, and says with
 * each message from which one it goes; bound to one address there is nothing to say.
 *
 * Reports and transport-wide feedback come to a socket of their own on the same port: to be woken
 * for one costs more than to read it, and they can wait for the next round. The kernel sorts by a
 * filter (SO_ATTACH_REUSEPORT_CBPF, Linux 4.5). */
#ifndef TONGKE_UDP_H
#define TONGKE_UDP_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "address.h"
#include "outbox.h"

#define RECEIVE_BATCH 64
#define RECEIVE_CONTROL_BYTES (CMSG_SPACE(sizeof(struct timespec)) + LOCAL_CONTROL_BYTES)
#define RECEIVE_BYTES 2048 /* above DATAGRAM_MAX, so that longer datagrams are seen to be longer */

struct udp_socket {
  int fd;
  int patient_fd;        /* reports and feedback; −1: they come to `fd` like all else */
  int family;
  uint16_t port;
  bool gso;              /* segmentation offload: until it proves not to work here */
  uint32_t gso_refusals; /* in a row, where the packets went through one by one */
};

/* `host` NULL or "::": both families, or IPv4 alone where the machine has no IPv6. 0, or errno. */
int udp_open(struct udp_socket *udp, const char *host, uint16_t port);
void udp_close(struct udp_socket *udp);
/* Sends one datagram now, from any thread. `local` NONE: the kernel chooses from which address. */
bool udp_send(const struct udp_socket *udp, const struct address *to, const struct address *local,
              const uint8_t *data, uint32_t length);

struct received {
  struct address from;
  struct address to; /* our own address, of what may be STUN or DTLS; else NONE */
  uint8_t *data;
  uint32_t length;
  int64_t arrival_ns; /* CLOCK_MONOTONIC, by the kernel's own stamp */
};

struct receive_batch {
  uint32_t count;
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

#define SEND_MESSAGES 128
#define SEND_VECTORS 1024

struct send_message {
  uint16_t first; /* packet in the outbox */
  uint16_t packets;
  uint16_t local_control_bytes; /* of the control: what is said even where nothing is segmented */
  uint32_t bytes;
};

struct send_batch {
  uint32_t count, vector_count;
  struct mmsghdr headers[SEND_MESSAGES];
  struct send_message messages[SEND_MESSAGES];
  struct sockaddr_storage names[SEND_MESSAGES];
  alignas(8) uint8_t control[SEND_MESSAGES][LOCAL_CONTROL_BYTES + CMSG_SPACE(sizeof(uint16_t))];
  struct iovec vectors[SEND_VECTORS];
};

struct send_totals {
  uint64_t datagrams, bytes, calls, gso_messages;
  uint64_t dropped_full, dropped_error;
};

/* Adds one destination's packets, sending when the batch is full. */
void send_batch_add(struct send_batch *batch, struct udp_socket *udp, struct outbox *outbox,
                    const struct destination *destination, struct send_totals *totals);
void send_batch_flush(struct send_batch *batch, struct udp_socket *udp,
                      struct send_totals *totals);

#endif
