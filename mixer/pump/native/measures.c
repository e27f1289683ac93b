/* See measures.h. */
#include "measures.h"

#define US(n) (UINT64_C(n) * 1000)

#define MEASURE_NAME_AS_TEXT(name) #name,
const char *const measure_names[MEASURE_COUNT] = {MEASURES(MEASURE_NAME_AS_TEXT)};

/* Delays: the collecting window is 1 ms, the promise is 2 ms for 99 of 100. Numbers of datagrams:
 * up to a whole batch (RECEIVE_BATCH) and a whole outbox (OUTBOX_PACKETS). */
const uint64_t measure_bounds[MEASURE_COUNT][HISTOGRAM_BOUNDS] = {
    [MEASURE_added_delay_ns] = {US(50), US(100), US(200), US(500), US(1000), US(1500), US(2000),
                                US(3000), US(5000), US(10000), US(20000), US(50000)},
    [MEASURE_round_ns] = {US(10), US(25), US(50), US(100), US(200), US(500), US(1000), US(2000),
                          US(5000), US(10000), US(20000), US(50000)},
    [MEASURE_batch_datagrams] = {1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 63, 64},
    [MEASURE_flush_datagrams] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 768, 1024},
};

void histogram_add(struct histogram *histogram, enum measure measure, uint64_t value,
                   uint64_t times) {
  const uint64_t *bounds = measure_bounds[measure];
  uint32_t bucket = 0;
  while (bucket < HISTOGRAM_BOUNDS && value > bounds[bucket]) bucket++;
  histogram->counts[bucket] += times;
  histogram->sum += value * times;
}
