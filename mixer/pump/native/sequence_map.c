/* See sequence_map.h. */
#include "sequence_map.h"

#include <string.h>

void sequence_map_begin(struct sequence_map *map, uint64_t sequence, uint16_t outgoing) {
  map->count = 1;
  map->first[0] = sequence;
  map->offset[0] = (uint16_t)((uint16_t)sequence - outgoing);
}

/* The numbers from `first` on, the newest, follow with another offset. */
static void begin_stretch(struct sequence_map *map, uint64_t first, uint16_t offset) {
  if (map->first[map->count - 1] < first) { /* else nothing has been mapped since it began */
    if (map->count == SEQUENCE_STRETCHES) {
      map->count--;
      memmove(map->first, map->first + 1, map->count * sizeof *map->first);
      memmove(map->offset, map->offset + 1, map->count * sizeof *map->offset);
    }
    map->count++;
  }
  map->first[map->count - 1] = first;
  map->offset[map->count - 1] = offset;
}

void sequence_map_skip(struct sequence_map *map, uint64_t sequence) {
  if (map->count == 0) return;
  uint16_t offset = (uint16_t)(map->offset[map->count - 1] + 1);
  bool is_empty = map->first[map->count - 1] == sequence;
  if (is_empty) map->first[map->count - 1] = sequence + 1;
  begin_stretch(map, sequence + 1, offset);
}

uint16_t sequence_map_insert(struct sequence_map *map, uint64_t sequence) {
  uint16_t offset = (uint16_t)(map->offset[map->count - 1] - 1);
  begin_stretch(map, sequence, offset);
  return (uint16_t)((uint16_t)sequence - offset - 1);
}

bool sequence_map_find(const struct sequence_map *map, uint64_t sequence, uint16_t *outgoing) {
  for (int i = map->count - 1; i >= 0; i--) {
    if (map->first[i] > sequence) continue;
    *outgoing = (uint16_t)((uint16_t)sequence - map->offset[i]);
    return true;
  }
  return false;
}
