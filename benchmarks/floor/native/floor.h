/* The floor: what forwarding costs when nothing is decided. Receive, unprotect, protect once per
 * receiver, send; no sequence numbers, no history, no feedback, no reports.
 *
 * It receives and sends as the packet pump does (recvmmsg, rounds at least a millisecond apart,
 * sendmmsg with segmentation), so that the difference to it is the price of being an SFU. One
 * mutex: the thread holds it while it works, Python while it adds somebody. */
#ifndef TONGKE_FLOOR_H
#define TONGKE_FLOOR_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
  FLOOR_PEERS_MAX = 1024,
  FLOOR_CONSUMERS_MAX = 64,
  FLOOR_OUT_MAX = 4096, /* a batch of 64 packets to 64 receivers */
  FLOOR_BATCH = 64,
  FLOOR_PACKET_BYTES = 1700, /* DATAGRAM and SRTP's trailer */
};

typedef int (*srtp_transform)(void *session, void *packet, int *length);

struct floor_peer {
  struct sockaddr_in address;
  void *rx, *tx;
  int consumers[FLOOR_CONSUMERS_MAX];
  int consumer_count;
  int first, last; /* in the outbox; −1: none */
};

struct floor {
  int fd;         /* the UDP socket; Python's, and written by it too */
  int control_fd; /* STUN and DTLS go there: 4 bytes of address, 2 of port, the datagram */
  srtp_transform protect, unprotect;
  pthread_mutex_t mutex;
  pthread_t thread;
  bool running;
  struct floor_peer peers[FLOOR_PEERS_MAX];
  int peer_count;
  struct floor_box *box;
};

struct floor *floor_new(int fd, int control_fd, srtp_transform protect, srtp_transform unprotect);
void floor_free(struct floor *floor);
int floor_start(struct floor *floor);
void floor_stop(struct floor *floor);
/* `address` in network order; returns the peer's number, −1 when there are too many. */
int floor_add_peer(struct floor *floor, uint32_t address, uint16_t port, void *rx, void *tx);
int floor_add_consumer(struct floor *floor, int publisher, int consumer);

#endif
