/* See registry.h. Adding walks for a free place: it happens when people join, not per packet. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

static int grow(struct registry *registry) {
  uint32_t capacity = registry->capacity ? 2 * registry->capacity : 64;
  if (capacity > REGISTRY_MAX) capacity = REGISTRY_MAX;
  if (capacity == registry->capacity) return 0;
  void **objects = realloc(registry->objects, capacity * sizeof *objects);
  if (!objects) return 0;
  registry->objects = objects;
  uint32_t *generations = realloc(registry->generations, capacity * sizeof *generations);
  if (!generations) return 0;
  registry->generations = generations;
  uint32_t added = capacity - registry->capacity;
  memset(objects + registry->capacity, 0, added * sizeof *objects);
  memset(generations + registry->capacity, 0, added * sizeof *generations);
  registry->capacity = capacity;
  return 1;
}

int64_t registry_add(struct registry *registry, void *object) {
  if (registry->count == registry->capacity && !grow(registry)) return 0;
  uint32_t place = 0;
  while (registry->objects[place]) place++;
  registry->objects[place] = object;
  registry->count++;
  return (int64_t)registry->generations[place] << 16 | (place + 1);
}

static uint32_t place_of(const struct registry *registry, int64_t id) {
  uint32_t place = (uint32_t)(id & 0xffff) - 1;
  if (id <= 0 || place >= registry->capacity) return UINT32_MAX;
  return registry->generations[place] == (uint32_t)(id >> 16) ? place : UINT32_MAX;
}

void *registry_get(const struct registry *registry, int64_t id) {
  uint32_t place = place_of(registry, id);
  return place == UINT32_MAX ? NULL : registry->objects[place];
}

void registry_remove(struct registry *registry, int64_t id) {
  uint32_t place = place_of(registry, id);
  if (place == UINT32_MAX || !registry->objects[place]) return;
  registry->objects[place] = NULL;
  registry->generations[place]++;
  registry->count--;
}

void registry_free(struct registry *registry) {
  free(registry->objects);
  free(registry->generations);
  *registry = (struct registry){0};
}
