/* Owns probes: filling a line for a moment with repeated packets, so that the peer's feedback shows
 * what it carries. What is repeated goes out as RTX, which a receiver knows to throw away. Where
 * nothing was sent lately (a line too thin for any picture), it is padding on an RTX stream. */
#ifndef TONGKE_PROBE_H
#define TONGKE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct transport;

/* A probe under way: what is sent is filled up to a rate. */
struct probe {
  bool is_running;
  uint32_t repeated;
  uint64_t rate_bps, bytes_before;
  int64_t began_ns, until_ns;
  struct transport *next; /* in the core's list of probing transports */
};

bool probe_begin(struct core *core, struct transport *transport, uint64_t rate_bps,
                 int64_t duration_ns, int64_t now);
void probe_end(struct core *core, struct transport *transport);
/* When the next filling is due; INT64_MAX: no probe is under way. */
int64_t probe_tick(struct core *core, int64_t now);

#endif
