/* Owns the datagrams that one batch sends: a fixed array, linked by destination, so that the
 * sender finds runs to one address. Used by the pump's thread alone, filled under the core's mutex
 * and emptied without it: it holds copies of the addresses. */
#ifndef TONGKE_OUTBOX_H
#define TONGKE_OUTBOX_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"

#define OUTBOX_PACKETS 1024
#define OUTBOX_DESTINATIONS 512
/* The longest datagram: an Ethernet packet received, with our extensions and SRTP's trailer. */
#define OUT_PACKET_BYTES 2032
#define OUTBOX_NONE UINT16_MAX

struct out_packet {
  uint16_t length;
  uint16_t next; /* to the same destination */
  alignas(8) uint8_t bytes[OUT_PACKET_BYTES];
};

struct plain_link;

struct destination {
  struct address address;
  struct address local; /* of ours, to send from; NONE: the kernel's choice */
  struct plain_link *plain; /* NULL: by UDP */
  uint16_t first, last;
  uint32_t count;
};

/* A destination's own memory of where it stands in a batch. */
struct outbox_place {
  uint32_t index, batch;
};

struct outbox {
  uint32_t batch; /* number of the current batch; tells a destination that its place is stale */
  uint32_t packet_count, destination_count;
  struct destination destinations[OUTBOX_DESTINATIONS];
  struct out_packet packets[OUTBOX_PACKETS];
};

struct outbox *outbox_new(void);
void outbox_free(struct outbox *outbox);
/* How many packets, each perhaps to a new destination, still fit. */
static inline uint32_t outbox_room(const struct outbox *outbox) {
  uint32_t packets = OUTBOX_PACKETS - outbox->packet_count;
  uint32_t destinations = OUTBOX_DESTINATIONS - outbox->destination_count;
  return packets < destinations ? packets : destinations;
}
/* The next free packet to write into, or NULL. It is not sent before outbox_add(). */
struct out_packet *outbox_next(struct outbox *outbox);
/* Sends what outbox_next() gave. False: no room for one more destination. */
bool outbox_add(struct outbox *outbox, const struct address *address, const struct address *local,
                struct plain_link *plain, struct outbox_place *place);
void outbox_clear(struct outbox *outbox);

#endif
