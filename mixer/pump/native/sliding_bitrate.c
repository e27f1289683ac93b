/* See sliding_bitrate.h. */
#include "sliding_bitrate.h"

static uint32_t newest_of(const struct sliding_bitrate *rate) {
  return (rate->start + rate->count - 1) % BITRATE_PLACES;
}

void sliding_bitrate_begin(struct sliding_bitrate *rate, int64_t window_ns) {
  rate->window_ns = window_ns;
  rate->bytes = 0;
  rate->start = rate->count = 0;
  rate->has_begun = false;
}

void sliding_bitrate_add(struct sliding_bitrate *rate, int64_t at_ns, uint32_t bytes) {
  if (rate->count && at_ns < rate->places[newest_of(rate)].at_ns - rate->window_ns)
    sliding_bitrate_begin(rate, rate->window_ns);
  if (!rate->has_begun) rate->began_ns = at_ns;
  rate->has_begun = true;
  rate->bytes += bytes;
  if (rate->count < BITRATE_PLACES) {
    rate->count++;
    rate->places[newest_of(rate)].bytes = bytes;
  } else {
    rate->places[newest_of(rate)].bytes += bytes;
  }
  rate->places[newest_of(rate)].at_ns = at_ns;
  while (rate->places[rate->start].at_ns < at_ns - rate->window_ns) {
    rate->bytes -= rate->places[rate->start].bytes;
    rate->start = (rate->start + 1) % BITRATE_PLACES;
    rate->count--;
  }
}

void sliding_bitrate_extend(struct sliding_bitrate *rate, uint32_t bytes) {
  if (!rate->count) return;
  rate->places[newest_of(rate)].bytes += bytes;
  rate->bytes += bytes;
}

double sliding_bitrate_bps(const struct sliding_bitrate *rate) {
  if (!rate->count) return -1;
  int64_t known_ns = rate->places[newest_of(rate)].at_ns - rate->began_ns;
  if (known_ns < rate->window_ns / 2) return -1;
  if (known_ns > rate->window_ns) known_ns = rate->window_ns;
  return 8e9 * (double)rate->bytes / (double)known_ns;
}
