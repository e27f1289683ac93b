/* Owns how a consumer's sequence numbers follow from its source's.
 *
 * Gaps are kept (the receiver must see what was lost); packets left out on purpose (padding) are
 * closed up, and room is made for one put in (parameter sets). Each stretch between two such packets
 * has its own offset; the last few are remembered so that late packets are still mapped right. */
#ifndef TONGKE_SEQUENCE_MAP_H
#define TONGKE_SEQUENCE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_STRETCHES 8

struct sequence_map {
  uint8_t count;
  uint64_t first[SEQUENCE_STRETCHES];  /* source sequence a stretch begins at; oldest first */
  uint16_t offset[SEQUENCE_STRETCHES]; /* source minus consumer sequence, modulo 2^16 */
};

/* Begins anew: source packet `sequence` goes out as `outgoing`. */
void sequence_map_begin(struct sequence_map *map, uint64_t sequence, uint16_t outgoing);
/* Leaves out `sequence`, which must be newer than everything mapped so far. */
void sequence_map_skip(struct sequence_map *map, uint64_t sequence);
/* Makes room before `sequence`, which must be newer than everything mapped so far, for a packet of no
 * source; returns its number. */
uint16_t sequence_map_insert(struct sequence_map *map, uint64_t sequence);
/* False when the packet belongs before what the map remembers. */
bool sequence_map_find(const struct sequence_map *map, uint64_t sequence, uint16_t *outgoing);

#endif
