/* Owns the pump's state, free of sockets, threads and clocks: datagrams go in with the time
 * (ingress.h, tick.h), datagrams to send come out in the outbox, events in the event ring.
 *
 * One mutex guards it. The pump's thread holds it while it works through a batch, Python while it
 * changes something; nobody holds it across a system call. */
#ifndef TONGKE_CORE_H
#define TONGKE_CORE_H

#include <pthread.h>

#include "events.h"
#include "limiter.h"
#include "measures.h"
#include "outbox.h"
#include "registry.h"
#include "streams.h"

/* The longest datagram taken: what fits an Ethernet frame. Longer ones are dropped, so that what is
 * forwarded with a longer header still fits OUT_PACKET_BYTES. */
#define DATAGRAM_MAX 1500

struct core {
  pthread_mutex_t mutex;
  struct srtp_functions srtp;
  struct registry transports, producers, consumers;
  struct address_table remotes;
  struct event_ring events;
  struct limiter limiter;
  struct outbox *outbox;
  struct encoding *busy; /* see busy.h */
  bool has_new_losses;   /* the next tick is due soon */
  struct transport *plain_transports;
  struct transport *probing;
  struct transport *lines; /* those that have one */
  int64_t lines_due_ns;
  int64_t lax_due_ns; /* of reports and lines together, as the last tick left it */
  struct reporting_clock reporting;
  struct plain_link *closing; /* links Python removed; the pump's thread closes them */
  uint64_t random_state;
  uint32_t feedback_ssrc;
  uint32_t generations; /* handed out to encodings: never the same twice */
  uint64_t counters[PUMP_COUNTER_COUNT];
  struct histogram measures[MEASURE_COUNT];
  uint64_t plain_backlog_bytes; /* what waits for slow local readers, as the last round left it */
  uint64_t tcp_connections;     /* as the last round left them */
  struct event_ring posted;     /* what Python sends by TCP: a DATAGRAM each, `from` is its receiver */
};

bool core_init(struct core *core, const struct srtp_functions *srtp, uint64_t seed);
/* Once core_remove_transports() has been called. */
void core_free(struct core *core);
uint32_t core_random(struct core *core);
static inline void core_count(struct core *core, int counter) { core->counters[counter]++; }

/* Lookup for the calls from Python. */
static inline struct transport *core_transport(struct core *core, int64_t id) {
  return registry_get(&core->transports, id);
}
static inline struct producer *core_producer(struct core *core, int64_t id) {
  return registry_get(&core->producers, id);
}
static inline struct consumer *core_consumer(struct core *core, int64_t id) {
  return registry_get(&core->consumers, id);
}

#endif
