/* Owns how often STUN and DTLS may reach Python: token buckets per source host, one for all
 * strangers together, and one per consented address. A flood costs its sender's bucket, not the
 * lesson's. */
#ifndef TONGKE_LIMITER_H
#define TONGKE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "clock.h"

struct bucket {
  int64_t full_at_ns; /* when, unused, it would be full again */
};

/* So many tokens, if there are as many: `rate` a second, `burst` at once. (Generic cell rate
 * algorithm.) */
static inline bool bucket_take_many(struct bucket *bucket, uint32_t tokens, uint32_t rate,
                                    uint32_t burst, int64_t now) {
  int64_t cost_ns = SECOND_NS / rate * tokens;
  int64_t start = bucket->full_at_ns > now ? bucket->full_at_ns : now;
  if (start + cost_ns - now > SECOND_NS / rate * burst) return false;
  bucket->full_at_ns = start + cost_ns;
  return true;
}

static inline bool bucket_take(struct bucket *bucket, uint32_t rate, uint32_t burst, int64_t now) {
  return bucket_take_many(bucket, 1, rate, burst, now);
}

/* Hosts that hash alike share a bucket; an attacker cannot choose which (keyed hash). */
#define LIMITER_BUCKETS 4096

struct limiter {
  uint64_t seed;
  struct bucket strangers;
  struct bucket hosts[LIMITER_BUCKETS];
};

static inline bool limiter_admits_stranger(struct limiter *limiter, const struct address *from,
                                           int64_t now) {
  /* A school of 60 devices behind one address, all joining at once: a handful of checks each. */
  enum { HOST_RATE = 300, HOST_BURST = 600, ALL_RATE = 3000, ALL_BURST = 1500 };
  struct bucket *host =
      &limiter->hosts[address_host_hash(from, limiter->seed) % LIMITER_BUCKETS];
  return bucket_take(host, HOST_RATE, HOST_BURST, now) &&
         bucket_take(&limiter->strangers, ALL_RATE, ALL_BURST, now);
}

/* RTCP for Python: Chromium sends some twenty compounds a second, more under loss. */
static inline bool limiter_admits_rtcp(struct bucket *peer, int64_t now) {
  enum { RTCP_RATE = 400, RTCP_BURST = 400 };
  return bucket_take(peer, RTCP_RATE, RTCP_BURST, now);
}

/* Sequence numbers asked for again: a line that loses a third of 3,000 packets a second, with
 * repeats. Looking up what a liar asks for is work too. */
static inline bool limiter_admits_nacked(struct bucket *peer, int64_t now) {
  enum { NACKED_RATE = 5000, NACKED_BURST = 5000 };
  return bucket_take(peer, NACKED_RATE, NACKED_BURST, now);
}

/* Packets that transport-wide feedback reports on: many times what a line of 30 Mb/s carries. Each is
 * looked up, and a few bytes can speak of thousands. */
static inline bool limiter_admits_reported(struct bucket *peer, uint32_t packets, int64_t now) {
  enum { REPORTED_RATE = 50000, REPORTED_BURST = 50000 };
  return bucket_take_many(peer, packets, REPORTED_RATE, REPORTED_BURST, now);
}

static inline bool limiter_admits_peer(struct bucket *peer, int64_t now) {
  enum { PEER_RATE = 200, PEER_BURST = 400 }; /* consent checks and a handshake's flights */
  return bucket_take(peer, PEER_RATE, PEER_BURST, now);
}

#endif
