/* Owns the numbers by which Python names transports, producers and consumers.
 *
 * A number holds a place and a generation: a number whose object is gone is never mistaken for
 * the object that took its place. */
#ifndef TONGKE_REGISTRY_H
#define TONGKE_REGISTRY_H

#include <stdint.h>

#define REGISTRY_MAX 65535

struct registry {
  void **objects;
  uint32_t *generations;
  uint32_t capacity;
  uint32_t count;
};

/* The new object's number (> 0), or 0 when there is no room or no memory. */
int64_t registry_add(struct registry *registry, void *object);
void *registry_get(const struct registry *registry, int64_t id);
void registry_remove(struct registry *registry, int64_t id);
void registry_free(struct registry *registry);

#endif
