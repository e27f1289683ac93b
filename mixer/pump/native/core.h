/* Owns the pump's state and rules, free of sockets, threads and clocks: datagrams go in with the
 * time, datagrams to send come out in the outbox, events in the event ring.
 *
 * One mutex guards it. The pump's thread holds it while it works through a batch, Python while it
 * changes something; nobody holds it across a system call. */
#ifndef TONGKE_CORE_H
#define TONGKE_CORE_H

#include <pthread.h>

#include "events.h"
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
  struct encoding *busy;
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

/* Why a call was refused; Python turns these into exceptions. */
enum refusal {
  REFUSED_UNKNOWN = -1,   /* no such transport, producer or consumer */
  REFUSED_VALUE = -2,     /* an impossible value */
  REFUSED_FULL = -3,      /* a limit is reached */
  REFUSED_MEMORY = -4,
  REFUSED_SSRC_USED = -5, /* taken, or was used before on this transport */
};

bool core_init(struct core *core, const struct srtp_functions *srtp, uint64_t seed);
/* Once core_remove_transports() has been called. */
void core_free(struct core *core);
uint32_t core_random(struct core *core);
static inline void core_count(struct core *core, int counter) { core->counters[counter]++; }

/* ingress.c: a datagram that came to the UDP port (`to` that address of ours, or NONE where nobody
 * needs it), or from a local peer's socket. Changed in place; `data` is 8-byte aligned. The caller keeps room in the outbox for one packet's copies. */
void core_receive(struct core *core, const struct address *from, const struct address *to,
                  uint8_t *data, uint32_t length, int64_t arrival_ns, int64_t now);

/* tick.c: what time alone makes due, once `due` has come; returns when it is due next. */
int64_t core_tick(struct core *core, int64_t due, int64_t now);

/* encoding.c */
struct rtp_packet;
/* The encoding this consumer waits to switch to, or NULL. */
struct encoding *consumer_awaits(const struct consumer *consumer);
struct encoding *encoding_new(struct core *core, struct producer *producer, int layer);
void encoding_free(struct core *core, struct encoding *encoding);
void encoding_receive(struct core *core, struct encoding *encoding,
                      const struct rtp_packet *packet, bool repaired, int64_t arrival_ns,
                      int64_t now);
void encoding_take_report(struct core *core, struct encoding *encoding, uint64_t ntp,
                          uint32_t timestamp, int64_t arrival_ns, int64_t now);

/* consumer.c */
struct sent_packet *consumer_sent(const struct consumer *consumer, uint16_t outgoing);
enum sending {
  SEND_FIRST, /* `sent` is filled with its departure; may be NULL */
  SEND_RTX,   /* as a retransmission (RFC 4588) */
  SEND_AGAIN, /* bit for bit what was sent: under SRTP one sequence number is one packet */
};
/* Writes, protects and enqueues; returns the bytes on the wire, 0 when it was dropped (counted). */
uint32_t consumer_send(struct core *core, struct consumer *consumer, const struct media *media,
                       const struct mapping *mapping, struct sent_packet *sent,
                       enum sending sending, int64_t now);
/* A packet of padding on its RTX stream, which a receiver throws away; the bytes on the wire or 0. */
uint32_t consumer_send_padding(struct core *core, struct consumer *consumer, int64_t now);
void consumer_take(struct core *core, struct consumer *consumer, struct encoding *encoding,
                   const struct media *media, int64_t now);
/* The parameter sets that are kept, in a packet of their own right before `media`. */
void consumer_send_sets(struct core *core, struct consumer *consumer,
                        const struct encoding *encoding, const struct media *media, int64_t now);
/* Whoever asked to begin with the last keyframe that is kept, does so now. In a tick. */
void consumer_join_past(struct core *core, struct consumer *consumer, struct encoding *encoding,
                        int64_t now);
void consumer_set_target(struct core *core, struct consumer *consumer, int layer, int64_t now);
/* Leaves the current layer: the next packet it gets is a switch. */
void consumer_leave_layer(struct core *core, struct consumer *consumer);

/* consumer_packet.c */
void consumer_build_extensions(struct consumer *consumer);
/* Writes the RTP packet; returns its length. `as_rtx`: as a retransmission (RFC 4588). */
uint32_t consumer_write(struct consumer *consumer, const struct media *media,
                        const struct mapping *mapping, bool as_rtx, uint8_t *out);
/* Writes a packet of its RTX stream that is padding alone; returns its length. */
uint32_t consumer_write_padding(struct consumer *consumer, uint8_t *out);
/* The departure of a packet that leaves now: takes the next transport-wide sequence. */
struct departure consumer_depart(struct consumer *consumer, int64_t now);
void consumer_stamp(const struct consumer *consumer, const struct departure *departure,
                    uint8_t *packet);

/* retransmit.c */
/* What was sent under this number, if it is still known and in the history; else NULL. */
struct sent_packet *consumer_recall(const struct consumer *consumer, uint16_t outgoing,
                                    struct media *media);
void consumer_answer_nack(struct core *core, struct consumer *consumer, uint16_t first,
                          uint16_t mask, int64_t now);

/* probe.c */
bool probe_begin(struct core *core, struct transport *transport, uint64_t rate_bps,
                 int64_t duration_ns, int64_t now);
void probe_end(struct core *core, struct transport *transport);
/* When the next filling is due; INT64_MAX: no probe is under way. */
int64_t probe_tick(struct core *core, int64_t now);

/* egress.c: protect and put into the outbox. The packet is what outbox_next() gave. */
bool transport_can_send(struct core *core, const struct transport *transport);
uint32_t transport_send_rtp(struct core *core, struct transport *transport,
                            struct packet_index *index, struct out_packet *packet,
                            uint32_t length);
bool transport_send_rtcp(struct core *core, struct transport *transport,
                         struct out_packet *packet, uint32_t length);
/* In place; its length then, or 0 (counted). A local peer's stays as it is. */
uint32_t transport_protect_rtcp(struct core *core, const struct transport *transport,
                                uint8_t *packet, uint32_t length);

/* notices.c: events about streams. */
void tell_datagram(struct core *core, const struct transport *transport,
                   const struct address *from, const struct address *to, const uint8_t *data,
                   uint32_t length, int64_t arrival_ns);
void tell_rtcp(struct core *core, const struct transport *transport, const uint8_t *data,
               uint32_t length, int64_t arrival_ns);
void tell_new_ssrc(struct core *core, const struct transport *transport,
                   const struct rtp_packet *packet);
/* A line has a reading; false: the event was dropped. */
bool tell_line(struct core *core, const struct transport *transport);
void tell_layer(struct core *core, enum event_type type, int64_t id, int layer);
/* Somebody begins to be loud; false: the event was dropped. */
bool tell_voice(struct core *core, const struct producer *producer);
/* Asks Python for a keyframe of this layer, at most twice a second; returns when it may again. */
int64_t want_keyframe(struct core *core, struct encoding *encoding, int64_t now);

/* core.c: locking and lookup for the calls from Python. */
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
