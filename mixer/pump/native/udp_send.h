/* Owns sending the outbox by UDP with as few system calls as the kernel allows: sendmmsg, and UDP
 * segmentation offload for runs of equal size to one address.
 *
 * Packets to one address go in order. A run of equal size, of which the last may be shorter, is one
 * message that the kernel (or the network card) cuts up: UDP_SEGMENT, Linux 4.18. */
#ifndef TONGKE_UDP_SEND_H
#define TONGKE_UDP_SEND_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "outbox.h"
#include "udp.h"

/* Sends one datagram now, from any thread. `local` NONE: the kernel chooses from which address. */
bool udp_send(const struct udp_socket *udp, const struct address *to, const struct address *local,
              const uint8_t *data, uint32_t length);

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
