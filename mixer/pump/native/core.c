/* See core.h. */
#include "core.h"

#include <string.h>

/* A small, fast generator (xorshift64*) for first sequence numbers and hash seeds; its own seed
 * comes from the system. */
uint32_t core_random(struct core *core) {
  uint64_t x = core->random_state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  core->random_state = x;
  return (uint32_t)(x * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

bool core_init(struct core *core, const struct srtp_functions *srtp, uint64_t seed) {
  memset(core, 0, sizeof *core);
  pthread_mutex_init(&core->mutex, NULL);
  core->srtp = *srtp;
  core->random_state = seed | 1;
  core->limiter.seed = (uint64_t)core_random(core) << 32 | core_random(core);
  core->feedback_ssrc = core_random(core);
  core->outbox = outbox_new();
  uint64_t table_seed = (uint64_t)core_random(core) << 32 | core_random(core);
  bool made = core->outbox && event_ring_init(&core->events) && event_ring_init(&core->posted) &&
              address_table_init(&core->remotes, 2 * TRANSPORTS_MAX, table_seed);
  if (!made) core_free(core);
  return made;
}

void core_free(struct core *core) {
  registry_free(&core->transports);
  registry_free(&core->producers);
  registry_free(&core->consumers);
  address_table_free(&core->remotes);
  event_ring_free(&core->events);
  event_ring_free(&core->posted);
  outbox_free(core->outbox);
  core->outbox = NULL;
  pthread_mutex_destroy(&core->mutex);
}
