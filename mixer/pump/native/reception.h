/* Owns what is known of one incoming sequence: its extended numbers, what was seen before, loss and
 * jitter (RFC 3550 §6.4.1 and appendix A.1, A.3, A.8). */
#ifndef TONGKE_RECEPTION_H
#define TONGKE_RECEPTION_H

#include <stdbool.h>
#include <stdint.h>

/* Packets behind the highest by this or more are too old: as many as the history keeps, and as
 * many as libsrtp's replay window, which aiortc sets to 1024. */
#define RECEPTION_WINDOW 1024

struct reception {
  bool started;
  uint64_t highest; /* extended; starts one cycle up, so that earlier numbers stay positive */
  uint64_t base;
  uint64_t received; /* without repaired packets: what the line itself brought */
  uint64_t seen[RECEPTION_WINDOW / 64];
  uint32_t suspect; /* the sequence that would confirm a restart; UINT32_MAX: none */
  uint32_t jitter_16; /* RFC 3550's jitter × 16, in timestamp units */
  uint32_t transit;
  bool has_transit;
  uint64_t reported_expected, reported_received;
};

enum arrival {
  ARRIVAL_NEWEST,
  ARRIVAL_LATE,
  ARRIVAL_DUPLICATE,
  ARRIVAL_REFUSED, /* too old, or a jump not yet confirmed by the next packet */
  ARRIVAL_RESTART, /* newest, after a confirmed jump: nothing before it counts any more */
};

/* Places a packet; `*sequence` becomes its extended number. A repaired packet (RTX) may fill a gap
 * or be the newest, never start or restart a sequence. */
enum arrival reception_place(struct reception *reception, uint16_t sequence_on_wire,
                             bool repaired, uint64_t *sequence);
void reception_measure_jitter(struct reception *reception, uint32_t timestamp,
                              uint32_t arrival_ticks);

struct reception_report {
  uint32_t expected, lost; /* since the last report; `lost` at most `expected` */
  uint8_t fraction_lost; /* of 256, since the last report */
  int32_t cumulative_lost;
  uint32_t highest_sequence;
  uint32_t jitter;
};

struct reception_report reception_report(struct reception *reception);

#endif
