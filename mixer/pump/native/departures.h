/* Owns what was sent lately on a transport, and what became of it by the peer's feedback: a ring of
 * fixed size by transport-wide sequence. A peer that reports on packets never sent, or sent long
 * ago, finds nothing. */
#ifndef TONGKE_DEPARTURES_H
#define TONGKE_DEPARTURES_H

#include <stdbool.h>
#include <stdint.h>

#define DEPARTURES_SIZE 8192 /* 8 s at 1,000 packets/s; a power of two */

enum fate {
  FATE_NONE,     /* no packet here */
  FATE_UNKNOWN,  /* nothing was reported yet */
  FATE_LOST,     /* reported as not arrived */
  FATE_ARRIVED,
  FATE_ASSUMED,  /* the feedback on it was lost itself; taken as arrived like the others */
  FATE_REPEATED, /* asked for and sent again under its number: was lost, whatever arrives now */
  FATE_COUNTED,  /* the same, and reported on */
};

struct departed {
  int64_t sent_ns;
  uint32_t sequence; /* low bits of the unwrapped number */
  uint16_t bytes;
  uint8_t fate;
};

struct departures {
  bool has_any;
  int64_t newest; /* unwrapped: it does not wrap */
  struct departed packets[DEPARTURES_SIZE];
};

/* A packet left. A number that comes again is of a packet that was asked for and sent again as it was
 * (sound without RTX): its loss stays a loss, and its late arrival says nothing of the line. */
void departures_add(struct departures *departures, uint16_t sequence, int64_t now, uint32_t bytes);
/* The number a reported sequence stands for, as seen from the newest packet. */
int64_t departures_unwrap(const struct departures *departures, uint16_t sequence);

enum news {
  NEWS_NONE,    /* never sent, or told before */
  NEWS_LOST,
  NEWS_ARRIVED,
  NEWS_ASSUMED, /* arrived, as was assumed */
  NEWS_LATE,    /* arrived, and was told as lost before */
};
/* Takes in what is reported of one packet; `*packet` is the packet when it is news. */
enum news departures_report(struct departures *departures, int64_t sequence, bool arrived,
                            const struct departed **packet);
/* Marks what is unknown in [first, end) as assumed to have arrived; its bytes. */
uint32_t departures_assume(struct departures *departures, int64_t first, int64_t end);

#endif
