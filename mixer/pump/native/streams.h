/* Owns the shapes of the four things the pump knows: transports (peers), producers (streams coming
 * in) with their encodings (simulcast layers), and consumers (streams going out). All are guarded by
 * the core's mutex, but for a plain link's socket and backlog, which are the pump thread's. */
#ifndef TONGKE_STREAMS_H
#define TONGKE_STREAMS_H

#include "address.h"
#include "counters.h"
#include "h264_stream.h"
#include "history.h"
#include "level_history.h"
#include "ingress.h"
#include "lines.h"
#include "media.h"
#include "missing.h"
#include "outbox.h"
#include "probe.h"
#include "reception.h"
#include "repair_budget.h"
#include "reports.h"
#include "rtp.h"
#include "sequence_map.h"
#include "srtp.h"
#include "ssrc_table.h"

/* Encodings of one producer. Three are used of more; which, shows when their pictures have come. */
#define LAYERS 6
/* Louder than this (in −dBov, RFC 6464) is a voice: where mixer/forward/speakers.py begins. */
#define VOICE_LEVEL 45
#define CONSUMERS_PER_PRODUCER 400 /* one packet's copies always fit into an empty outbox */
#define TRANSPORTS_MAX 4096
/* SSRCs a peer may use that Python has not named: each costs a libsrtp stream context. */
#define UNKNOWN_SSRCS_MAX 32
#define NAMED_SSRCS_MAX 256
/* SSRCs of removed consumers, refused for new ones: their SRTP indices must not begin again. */
#define RETIRED_SSRCS 256

struct producer;
struct consumer;
struct plain_link;

/* The last of them, on one transport. */
struct retired_ssrcs {
  uint32_t count; /* of all since its keys were new */
  uint32_t last[RETIRED_SSRCS];
};

struct transport {
  int64_t id;
  struct address remote; /* kind NONE: not yet consented */
  struct address local;  /* of ours, that the peer speaks to; NONE: the kernel's choice */
  struct plain_link *plain; /* NULL: SRTP over UDP */
  srtp_session rx, tx;
  struct aead aead; /* protects RTP in place of tx */
  struct extension_ids extensions;
  struct ssrc_table incoming; /* → struct encoding */
  struct ssrc_table outgoing; /* → struct consumer */
  struct producer *producers; /* linked by next_of_transport */
  struct consumer *consumers; /* linked by next_of_transport */
  struct sensing sensing;
  struct reporting reporting;
  uint16_t transport_sequence;
  int64_t round_trip_ns; /* smoothed, from the peer's report blocks; 0: unknown */
  struct repair_budget repairs;
  struct admission admission;
  struct probe probe;
  struct outbox_place outbox_place;
  struct transport *next_plain;
  uint64_t counters[TRANSPORT_COUNTER_COUNT];
  struct retired_ssrcs retired;
};

struct encoding {
  struct producer *producer;
  int layer;
  uint32_t ssrc, rtx_ssrc;
  uint8_t payload_type, rtx_payload_type;
  uint32_t generation; /* another number whenever a source begins a new sequence */
  struct reception reception;
  struct history history;
  struct missing *missing; /* NULL: NACK not negotiated */
  struct h264_stream *h264; /* NULL: another codec */
  uint32_t vp8_size; /* of its last keyframe, as vp8_read() has it; 0: unknown */
  uint32_t size_changes;
  int64_t longest_pause_ns; /* between two packets since Python last read it */
  /* H.264: of the newest packet's picture, and of the one to be shown last so far. */
  bool has_picture, is_back;
  bool is_past;                           /* the newest picture is of a group sent again */
  uint32_t past_packets;                  /* of that group, so far */
  uint64_t past_bytes;                    /* of all such groups */
  bool lacks_picture; /* a viewer was not given one that those up to the next keyframe are made from */
  uint32_t picture_timestamp, front_timestamp;
  bool has_report;
  uint64_t report_ntp;
  uint32_t report_timestamp;
  int64_t report_at_ns;
  uint32_t waiting; /* consumers that want this layer and have another */
  bool has_keyframe;
  uint64_t keyframe_sequence; /* where the newest one begins */
  int64_t keyframe_ns;
  int64_t unanswered_ns; /* a keyframe has been asked for since then; 0: it has come */
  bool keyframe_wanted; /* something was lost for good */
  bool keyframe_asked;
  int64_t keyframe_asked_ns;
  bool is_busy; /* in the core's list of encodings that need ticks */
  struct encoding *next_busy;
  uint64_t counters[ENCODING_COUNTER_COUNT];
};

struct producer {
  int64_t id;
  struct transport *transport;
  enum codec codec;
  uint32_t clock_rate;
  uint32_t feedback_ssrc; /* sender SSRC of the NACKs sent for it */
  bool nack;
  bool paused;
  struct encoding *encodings[LAYERS];
  struct consumer **consumers;
  uint32_t consumer_count, consumer_room;
  bool has_audio_level;
  uint8_t loudest; /* −dBov, 0 the loudest */
  bool is_loud;    /* was when the levels were last read, or has been told since */
  struct level_history levels;
  struct producer *next_of_transport, *previous_of_transport;
};

/* The header fields that tell when and as which a packet left. */
struct departure {
  uint32_t abs_send_time; /* 24 bits */
  uint16_t transport_sequence;
};

/* What one sent packet was, for its retransmission. */
struct sent_packet {
  uint64_t sequence; /* the source's, extended */
  struct departure departure;
  uint32_t generation;
  uint32_t timestamp_delta;
  uint32_t resent_ms;
  uint16_t outgoing;
  uint16_t picture_id_delta;
  uint8_t tl0_index_delta;
  int8_t layer;
  uint8_t header_version;
  uint8_t sets_version; /* not 0: it was the parameter sets in front of that packet of the source */
  bool is_used, was_resent;
};

/* How a packet's numbers are changed on its way to one consumer. */
struct mapping {
  uint16_t sequence; /* the number it goes out under */
  uint32_t timestamp_delta;
  uint16_t picture_id_delta;
  uint8_t tl0_index_delta;
};

/* MID of up to 16 bytes, abs-send-time, transport-wide sequence, audio level, orientation. */
#define EXTENSIONS_MAX (17 + 4 + 3 + 2 + 2)

struct consumer {
  int64_t id;
  struct producer *producer;
  struct transport *transport;
  uint32_t ssrc, rtx_ssrc;
  uint8_t payload_type, rtx_payload_type;
  uint8_t mid_length;
  char mid[16];

  int layer, target; /* −1: none */
  bool from_past; /* begins with the last keyframe that is kept; false once it has begun */
  struct sequence_map map; /* since the last switch */
  uint16_t last_sequence;
  uint16_t rtx_sequence;
  struct packet_index index, rtx_index;

  bool has_sent;
  uint32_t timestamp_delta;
  uint32_t last_timestamp;
  int64_t last_sent_ns;
  uint16_t picture_id_delta, last_picture_id;
  uint8_t tl0_index_delta, last_tl0_index;

  /* The encoding whose clock the timestamps follow; −1 before the first packet. */
  int source_layer;
  uint32_t source_generation;
  struct consumer_reports reports;

  /* The header extension block, ready but for the fields that change. */
  uint8_t extensions[EXTENSIONS_MAX]; /* elements, without the block's head */
  uint8_t extensions_length;
  uint8_t header_version; /* changes with the extensions */
  uint8_t abs_send_time_at, transport_sequence_at; /* offsets into the packet; 0: not sent */

  struct sent_packet *sent; /* by outgoing sequence modulo sent_size */
  uint32_t sent_size;
  struct consumer *next_of_transport, *previous_of_transport;
  uint64_t counters[CONSUMER_COUNTER_COUNT];
};

#endif
