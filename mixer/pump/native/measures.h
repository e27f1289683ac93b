/* Owns the pump's histograms, with fixed bounds: how long forwarded packets stay in the pump, how
 * long a round takes, how much comes and goes at once. One addition costs a few comparisons. */
#ifndef TONGKE_MEASURES_H
#define TONGKE_MEASURES_H

#include <stdint.h>

/* Each list is written once and becomes an enum, and the names Python shows. */
#define MEASURES(X)                                                                        \
  X(added_delay_ns)       /* of each forwarded packet: arrival → handed to the kernel */   \
  X(round_ns)             /* of the thread's work between two waits */                     \
  X(batch_datagrams)      /* received by one call */                                       \
  X(flush_datagrams)      /* sent by one flush of the outbox */

#define MEASURE_NAME_IN_ENUM(name) MEASURE_##name,
enum measure { MEASURES(MEASURE_NAME_IN_ENUM) MEASURE_COUNT };

/* Upper bounds, inclusive; the last bucket takes what is above all of them. */
#define HISTOGRAM_BOUNDS 12
extern const char *const measure_names[MEASURE_COUNT];
extern const uint64_t measure_bounds[MEASURE_COUNT][HISTOGRAM_BOUNDS];

struct histogram {
  uint64_t counts[HISTOGRAM_BOUNDS + 1];
  uint64_t sum;
};

/* Counts `value` that came `times` times. */
void histogram_add(struct histogram *histogram, enum measure measure, uint64_t value,
                   uint64_t times);

#endif
