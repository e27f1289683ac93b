/* See sequence_map.h. */
#include "sequence_map.h"

#include <string.h>

void sequence_map_begin(struct sequence_map *map, uint64_t sequence, uint16_t outgoing) {
  map->count = 1;
  map->first[0] = sequence;
  map->offset[0] = (uint16_t)((uint16_t)sequence - outgoing);
}

void sequence_map_skip(struct sequence_map *map, uint64_t sequence) {
  if (map->count == 0) return;
  uint16_t offset = (uint16_t)(map->offset[map->count - 1] + 1);
  if (map->first[map->count - 1] < sequence) { /* else: several in a row, one stretch */
    if (map->count == SEQUENCE_STRETCHES) {
      map->count--;
      memmove(map->first, map->first + 1, map->count * sizeof *map->first);
      memmove(map->offset, map->offset + 1, map->count * sizeof *map->offset);
    }
    map->count++;
  }
  map->first[map->count - 1] = sequence + 1;
  map->offset[map->count - 1] = offset;
}

bool sequence_map_find(const struct sequence_map *map, uint64_t sequence, uint16_t *outgoing) {
  for (int i = map->count - 1; i >= 0; i--) {
    if (map->first[i] > sequence) continue;
    *outgoing = (uint16_t)((uint16_t)sequence - map->offset[i]);
    return true;
  }
  return false;
}
