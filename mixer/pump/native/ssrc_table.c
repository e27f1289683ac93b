/* Open addressing, linear probing, backward-shift removal; see ssrc_table.h. */
#include "ssrc_table.h"

#include <stdlib.h>

static uint32_t slot_of(const struct ssrc_table *table, uint32_t ssrc) {
  return (ssrc * UINT32_C(2654435761) >> 7) & (table->capacity - 1);
}

static uint32_t probe(const struct ssrc_table *table, uint32_t ssrc) {
  uint32_t slot = slot_of(table, ssrc);
  while (table->entries[slot].role != SSRC_FREE && table->entries[slot].ssrc != ssrc)
    slot = (slot + 1) & (table->capacity - 1);
  return slot;
}

bool ssrc_table_reserve(struct ssrc_table *table, uint32_t count) {
  uint32_t capacity = table->capacity ? table->capacity : 32;
  while (capacity < 2 * count) capacity *= 2;
  if (capacity == table->capacity) return true;
  struct ssrc_table grown = {calloc(capacity, sizeof *grown.entries), capacity, 0};
  if (!grown.entries) return false;
  for (uint32_t i = 0; i < table->capacity; i++) {
    const struct ssrc_entry *entry = &table->entries[i];
    if (entry->role != SSRC_FREE) ssrc_table_put(&grown, entry->ssrc, entry->role, entry->stream);
  }
  free(table->entries);
  *table = grown;
  return true;
}

void ssrc_table_free(struct ssrc_table *table) {
  free(table->entries);
  *table = (struct ssrc_table){0};
}

struct ssrc_entry *ssrc_table_find(const struct ssrc_table *table, uint32_t ssrc) {
  if (!table->capacity) return NULL;
  struct ssrc_entry *entry = &table->entries[probe(table, ssrc)];
  return entry->role == SSRC_FREE ? NULL : entry;
}

struct ssrc_entry *ssrc_table_put(struct ssrc_table *table, uint32_t ssrc, enum ssrc_role role,
                                  void *stream) {
  if (!table->capacity) return NULL;
  struct ssrc_entry *entry = &table->entries[probe(table, ssrc)];
  if (entry->role == SSRC_FREE) {
    if (2 * (table->count + 1) > table->capacity) return NULL;
    table->count++;
  }
  *entry = (struct ssrc_entry){ssrc, role, stream};
  return entry;
}

void ssrc_table_remove(struct ssrc_table *table, uint32_t ssrc) {
  if (!table->capacity) return;
  uint32_t mask = table->capacity - 1, hole = probe(table, ssrc);
  if (table->entries[hole].role == SSRC_FREE) return;
  table->count--;
  table->entries[hole].role = SSRC_FREE;
  for (uint32_t slot = (hole + 1) & mask; table->entries[slot].role != SSRC_FREE;
       slot = (slot + 1) & mask) {
    uint32_t home = slot_of(table, table->entries[slot].ssrc);
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
    table->entries[hole] = table->entries[slot];
    table->entries[slot].role = SSRC_FREE;
    hole = slot;
  }
}
