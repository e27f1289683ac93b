/* What every harness needs: numbers that come again with their seed, and a broken invariant that
 * stops with its words. One of them a program: each has its own state. */
#ifndef TONGKE_HOSTILE_H
#define TONGKE_HOSTILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state; /* not 0 */

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
 * 2016): from 0 up to, but not, `below`. */
static inline uint32_t any(uint32_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

#define REQUIRE(condition)                                             \
  do {                                                                 \
    if (!(condition)) {                                                \
      fprintf(stderr, "broken: %s (line %d)\n", #condition, __LINE__); \
      abort();                                                         \
    }                                                                  \
  } while (0)

#endif
