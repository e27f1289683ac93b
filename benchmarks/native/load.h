/* The load: many WebRTC peers in one thread, sending steadily and measuring what comes back.
 *
 * Owns the sockets, the schedule of packets, SRTP both ways, the time stamps inside the payloads and
 * the counting, and transport-wide feedback. Leaves to Python: negotiation, STUN, DTLS, the making
 * of reports (it is handed the numbers). One mutex: the thread holds it during a tick, every call from Python holds it too. */
#ifndef TONGKE_LOAD_H
#define TONGKE_LOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedback_writer.h"

enum {
  PEERS_MAX = 1024,
  STREAMS_MAX = 1024,
  RECEPTIONS_MAX = 128, /* incoming SSRCs of one peer */
  DATAGRAM_MAX = 1500,
  BATCH = 64,             /* datagrams per system call */
  WAITING_MAX = 512,      /* STUN and DTLS datagrams that wait for Python */
  DELAY_BUCKETS = 50000,  /* of 10 µs: half a second */
  DELAY_BUCKET_NS = 10000,
  TICK_NS = 1000000,
  FEEDBACK_INTERVAL_NS = 100000000,
  SRTP_SPACE = 160, /* SRTP_MAX_TRAILER_LEN and some */
  /* A scripted stream is told by the high bits of its RTP timestamps, its frames by the low ones:
   * three minutes of pictures. */
  SCRIPT_TIMESTAMP_BITS = 24,
  SCRIPT_FRAMES_REMEMBERED = 1024,
};

/* What stands at the end of every payload, in network order; found from the end, so that a server
 * may rewrite the descriptor before it. */
#define TRAILER_MAGIC 0x746f6e67u
struct trailer {
  uint32_t magic;
  uint32_t stream;
  uint32_t counter;
  uint64_t sent_ns;
} __attribute__((packed));

typedef int (*srtp_transform)(void *session, void *packet, int *length);
struct srtp_functions {
  srtp_transform protect, unprotect, protect_rtcp, unprotect_rtcp;
};

struct reception { /* one incoming SSRC, for report blocks */
  uint32_t ssrc, received, base, highest, last_sr;
  int64_t sr_arrived_ns;
};

struct peer {
  int fd;
  void *rx, *tx;
  uint8_t transport_cc;      /* header extension id, 0: none */
  uint16_t transport_sequence;
  uint64_t accepted[2];      /* bit set of payload types that count as media */
  struct reception receptions[RECEPTIONS_MAX];
  int reception_count;
  uint32_t ssrc;             /* of its own reports */
  struct feedback_writer feedback;
  int64_t feedback_at_ns;
  uint32_t kernel_drops;     /* of its socket, as the kernel counts */
};

struct stream_format {
  uint32_t ssrc;
  uint8_t payload_type;
  bool video;
  uint8_t mid_id, audio_level_id, abs_send_time_id, transport_cc_id;
  char mid[17];
  int payload_bytes, packets_per_frame;
  int64_t frame_ns, packet_gap_ns, phase_ns;
  uint32_t ticks_per_frame; /* of the RTP clock */
  int keyframe_every;       /* frames */
};

/* Real payloads, for servers that decode what they forward: frames in turn, from the first again
 * after the last and whenever a keyframe is asked for. Nothing stands in them to measure by:
 * a server that keeps RTP timestamps is measured by these, frame by frame. */
struct script {
  int frame_count;
  int *first_packet; /* by frame, and one more */
  uint32_t *offset;  /* into `bytes`, by packet, and one more */
  uint8_t *bytes;
};

struct stream {
  struct stream_format format;
  int peer;
  bool keyframe_wanted, sending;
  uint16_t sequence, picture_id;
  uint32_t timestamp, counter, packets, octets, frame;
  int packet_in_frame;
  int64_t frame_at_ns, stamped_ns;
  uint64_t window_sent;  /* packets; frames of a scripted stream */
  struct script *script; /* NULL: payloads made up */
  uint32_t sent_frames;
  int64_t frame_sent_ns[SCRIPT_FRAMES_REMEMBERED]; /* of its last packet */
};

struct waiting {
  int peer, length;
  uint8_t data[DATAGRAM_MAX];
};

struct totals {
  uint64_t sent, received, window_packets, other_payloads, broken, send_failed, late_ticks, kernel_drops;
  uint64_t delay_count, delay_over, waiting_dropped, keyframe_requests;
  uint64_t feedback_sent;
};

struct load {
  pthread_mutex_t mutex;
  pthread_t thread;
  bool running, measuring;
  bool real_time; /* the thread has the priority it was to have */
  int64_t began_ns; /* the origin of all streams' frames */
  struct srtp_functions srtp;
  struct peer *peers[PEERS_MAX];
  int peer_count;
  struct stream *streams[STREAMS_MAX];
  int stream_count;
  uint32_t (*received)[STREAMS_MAX]; /* [peer][stream], in the window */
  uint32_t *delays;                  /* histogram of the window */
  int64_t window_began_ns, window_ended_ns;
  struct waiting *waiting;
  int waiting_head, waiting_count;
  struct totals totals;
};

int64_t clock_ns(int clock);

/* load.c */
struct load *load_new(struct srtp_functions srtp);
void load_free(struct load *load);
void script_free(struct script *script);
int load_start(struct load *load, bool real_time);
void load_stop(struct load *load);
int load_add_peer(struct load *load, const char *host, int port);
int load_send(struct load *load, int peer, const uint8_t *data, int length);
int load_send_rtcp(struct load *load, int peer, const uint8_t *data, int length);

/* Protects in place; the mutex is held. */
int send_protected(struct load *load, struct peer *peer, uint8_t *packet, int length);

/* feedback.c */
void send_feedback(struct load *load, int64_t now_ns);

/* sending.c */
int packets_in_frame(const struct stream *stream);
void send_due(struct load *load, int64_t now_ns);

/* receiving.c */
void receive_all(struct load *load);

#endif
