/* Owns a bitrate over a sliding window of whatever clock the times are: the R_hat of
 * draft-ietf-rmcat-gcc-02 §5.5, and what is sent. */
#ifndef TONGKE_SLIDING_BITRATE_H
#define TONGKE_SLIDING_BITRATE_H

#include <stdbool.h>
#include <stdint.h>

/* Bursts of 5 ms in half a second are a hundred; more come together when a line held them up. When
 * all places are taken the newest takes in what comes: the sum stays right, its end gets coarser. */
#define BITRATE_PLACES 256

struct sliding_bitrate {
  int64_t window_ns, began_ns;
  uint64_t bytes;
  uint32_t start, count;
  bool has_begun;
  struct {
    int64_t at_ns;
    uint64_t bytes;
  } places[BITRATE_PLACES];
};

/* Also forgets the past, after a silence. */
void sliding_bitrate_begin(struct sliding_bitrate *rate, int64_t window_ns);
/* So many bytes at this time. Times may go back a little; by more than the window they are another
 * clock's, and it begins anew. */
void sliding_bitrate_add(struct sliding_bitrate *rate, int64_t at_ns, uint32_t bytes);
/* More bytes of the burst added last. */
void sliding_bitrate_extend(struct sliding_bitrate *rate, uint32_t bytes);
/* Bits per second; −1 until half a window is known. */
double sliding_bitrate_bps(const struct sliding_bitrate *rate);

#endif
