/* Owns the names of everything the pump counts. Each list is written once and becomes an enum, and
 * the names Python shows. A dropped datagram or packet is counted under exactly one `drop_`. */
#ifndef TONGKE_COUNTERS_H
#define TONGKE_COUNTERS_H

#define PUMP_COUNTERS(X)                                                                   \
  X(received_datagrams)                                                                    \
  X(received_bytes)                                                                        \
  X(received_batches)                                                                      \
  X(sent_datagrams)                                                                        \
  X(sent_bytes)                                                                            \
  X(send_calls)                                                                            \
  X(gso_messages)                                                                          \
  X(wakes)                                                                                 \
  X(busy_ns)                                                                               \
  X(forwarded_packets)                                                                     \
  X(retransmitted_packets)                                                                 \
  X(parameter_sets_sent)              /* packets put in front of keyframes without */      \
  X(probe_packets)                    /* repeated to fill a line for a moment */            \
  X(retransmissions_missed)           /* asked for, and no longer in the history */        \
  X(nacks_sent)                       /* sequence numbers asked for upstream */            \
  X(feedback_sent)                    /* transport-wide feedback messages to publishers */ \
  X(reports_sent)                     /* datagrams of receiver or sender reports */        \
  X(padding_packets)                  /* packets of padding alone: seen, not forwarded */  \
  X(unshowable_packets)               /* of pictures that viewers are not sent (B-frames) */ \
  X(events)                                                                                \
  X(drop_oversized)                   /* longer than any path we serve */                  \
  X(drop_unknown_protocol)            /* first byte outside RFC 7983's ranges */           \
  X(drop_unknown_source)              /* media from an address nobody consented to */      \
  X(drop_rate_limited)                /* STUN, DTLS or RTCP beyond a source's rate */      \
  X(drop_event_ring_full)                                                                  \
  X(drop_no_keys)                     /* media before the DTLS handshake ended */          \
  X(drop_ssrc_cap)                    /* one more new SSRC than a transport may have */    \
  X(drop_unprotect)                   /* not authentic */                                  \
  X(drop_replay)                      /* authentic, and seen before or too old */          \
  X(drop_malformed_rtp)                                                                    \
  X(drop_malformed_rtcp)                                                                   \
  X(drop_unknown_ssrc)                /* no encoding has this SSRC (yet) */                \
  X(drop_payload_type)                                                                     \
  X(drop_duplicate)                                                                        \
  X(drop_sequence_jump)               /* too old, or a jump not yet confirmed */           \
  X(drop_producer_paused)                                                                  \
  X(drop_before_switch)               /* late, from before a consumer's layer switch */    \
  X(drop_history_full)                /* could not be kept for retransmission */           \
  X(drop_nack_flood)                  /* asked for more than any line loses */             \
  X(drop_feedback_flood)              /* reports on more packets than any line carries */  \
  X(drop_retransmit_budget)                                                                \
  X(drop_retransmit_repeat)           /* the same packet again within a round trip */      \
  X(drop_outbox_full)                                                                      \
  X(drop_protect)                                                                          \
  X(drop_no_remote)                   /* to a transport with no address or keys yet */     \
  X(drop_socket_full)                                                                      \
  X(drop_send_error)                                                                       \
  X(tcp_accepted)                     /* connections to the TCP port */                    \
  X(tcp_refused)                      /* beyond what is admitted, or had to make room */   \
  X(tcp_expired)                      /* proved nothing in time, or fell silent */         \
  X(tcp_stalled)                      /* took nothing for too long */                      \
  X(drop_tcp_full)                    /* a peer by TCP too slow */                         \
  X(drop_tcp_gone)                    /* to a connection that has ended */                 \
  X(drop_plain_full)                  /* a local reader too slow */                        \
  X(drop_plain_error)                 /* a local reader gone */

/* What is there now; unlike counters these go down too. */
#define PUMP_GAUGES(X)                                                                     \
  X(transports)                                                                            \
  X(producers)                                                                             \
  X(consumers)                                                                             \
  X(events_waiting)                   /* for Python */                                     \
  X(event_ring_bytes)                 /* of EVENT_RING_BYTES */                            \
  X(tcp_connections)                                                                       \
  X(plain_backlog_bytes)              /* for slow local readers */

#define TRANSPORT_COUNTERS(X)                                                              \
  X(packets_received)                                                                      \
  X(bytes_received)                                                                        \
  X(rtcp_received)                                                                         \
  X(packets_sent)                                                                          \
  X(bytes_sent)                                                                            \
  X(packets_retransmitted)                                                                 \
  X(bytes_retransmitted)                                                                   \
  X(nacks_received)                   /* sequence numbers the peer asked for */            \
  X(packets_refused)                  /* not authentic, replayed, malformed or too many */ \
  X(packets_expected)                 /* by report blocks: the peer's of what we send, */  \
  X(packets_lost)                     /* and ours of what it sends */                      \
  X(last_received_ns)

#define ENCODING_COUNTERS(X)                                                               \
  X(packets)                                                                               \
  X(bytes)                                                                                 \
  X(payload_bytes)                                                                         \
  X(duplicates)                                                                            \
  X(late)                                                                                  \
  X(recovered)                        /* lost, asked for, and then received */             \
  X(nacks_sent)                                                                            \
  X(keyframes)                                                                             \
  X(pictures)                         /* packets with the marker bit */                    \
  X(steps_back)                       /* a picture shown before the one before it */      \
  X(restarts)                         /* the source began a new sequence */                \
  X(last_packet_ns)

#define CONSUMER_COUNTERS(X)                                                               \
  X(packets)                                                                               \
  X(bytes)                                                                                 \
  X(payload_bytes)                                                                         \
  X(retransmitted)                                                                         \
  X(nacked)                                                                                \
  X(switches)                                                                              \
  X(last_packet_ns)

#define COUNTER_NAME_IN_ENUM(name) COUNTER_##name,
#define GAUGE_NAME_IN_ENUM(name) GAUGE_##name,
#define TRANSPORT_NAME_IN_ENUM(name) TRANSPORT_##name,
#define ENCODING_NAME_IN_ENUM(name) ENCODING_##name,
#define CONSUMER_NAME_IN_ENUM(name) CONSUMER_##name,

enum { PUMP_COUNTERS(COUNTER_NAME_IN_ENUM) PUMP_COUNTER_COUNT };
enum { PUMP_GAUGES(GAUGE_NAME_IN_ENUM) PUMP_GAUGE_COUNT };
enum { TRANSPORT_COUNTERS(TRANSPORT_NAME_IN_ENUM) TRANSPORT_COUNTER_COUNT };
enum { ENCODING_COUNTERS(ENCODING_NAME_IN_ENUM) ENCODING_COUNTER_COUNT };
enum { CONSUMER_COUNTERS(CONSUMER_NAME_IN_ENUM) CONSUMER_COUNTER_COUNT };

extern const char *const pump_counter_names[PUMP_COUNTER_COUNT];
extern const char *const pump_gauge_names[PUMP_GAUGE_COUNT];
extern const char *const transport_counter_names[TRANSPORT_COUNTER_COUNT];
extern const char *const encoding_counter_names[ENCODING_COUNTER_COUNT];
extern const char *const consumer_counter_names[CONSUMER_COUNTER_COUNT];

#endif
