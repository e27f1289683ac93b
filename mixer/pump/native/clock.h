/* Owns the units of time: nanoseconds of CLOCK_MONOTONIC, everywhere. The core never asks for the
 * time; it is told (`now`), so that tests run it in virtual time. */
#ifndef TONGKE_CLOCK_H
#define TONGKE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define MILLISECOND_NS INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)

static inline int64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static inline int64_t monotonic_now(void) { return clock_ns(CLOCK_MONOTONIC); }

/* Nanoseconds as ticks of an RTP clock, modulo 2^32. Microseconds first: no overflow for years. */
static inline uint32_t rtp_ticks(int64_t ns, uint32_t clock_rate) {
  return (uint32_t)(ns / 1000 * (int64_t)clock_rate / 1000000);
}

#endif
