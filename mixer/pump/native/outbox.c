/* See outbox.h. */
#include "outbox.h"

#include <stdlib.h>

struct outbox *outbox_new(void) {
  struct outbox *outbox = malloc(sizeof *outbox); /* pages are touched as batches need them */
  if (!outbox) return NULL;
  outbox->batch = 0;
  outbox_clear(outbox);
  return outbox;
}

void outbox_free(struct outbox *outbox) { free(outbox); }

struct out_packet *outbox_next(struct outbox *outbox) {
  if (outbox->packet_count == OUTBOX_PACKETS) return NULL;
  return &outbox->packets[outbox->packet_count];
}

bool outbox_add(struct outbox *outbox, const struct address *address, const struct address *local,
                struct plain_link *plain, struct outbox_place *place) {
  uint16_t packet = (uint16_t)outbox->packet_count;
  if (place->batch != outbox->batch) {
    if (outbox->destination_count == OUTBOX_DESTINATIONS) return false;
    place->batch = outbox->batch;
    place->index = outbox->destination_count++;
    outbox->destinations[place->index] =
        (struct destination){*address, *local, plain, packet, packet, 0};
  }
  struct destination *destination = &outbox->destinations[place->index];
  if (destination->count++) outbox->packets[destination->last].next = packet;
  destination->last = packet;
  outbox->packets[packet].next = OUTBOX_NONE;
  outbox->packet_count++;
  return true;
}

void outbox_clear(struct outbox *outbox) {
  outbox->batch++;
  outbox->packet_count = outbox->destination_count = 0;
}
