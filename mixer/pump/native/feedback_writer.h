/* Owns what a publisher is told about each packet it sent: transport-wide feedback, written from the
 * arrivals since the last time (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). The rules
 * are those of FeedbackBuilder in `mixer/rtp/twcc.py`; a test holds the two together. When to
 * write is reports.c's. */
#ifndef TONGKE_FEEDBACK_WRITER_H
#define TONGKE_FEEDBACK_WRITER_H

#include <stdbool.h>
#include <stdint.h>

/* A jump of more packets is a new beginning, not a loss to be spelled out. */
#define FEEDBACK_GAP_MAX 2000
#define FEEDBACK_WINDOW 2048 /* a power of two above it */
/* A message stays below 1,200 bytes: 20 of headers, 400 deltas of two bytes, and statuses of 1,000
 * packets in chunks of no less than seven each (more only as one run of losses). */
#define FEEDBACK_RECEIVED_MAX 400
#define FEEDBACK_PACKETS_MAX 1000
#define FEEDBACK_MESSAGE_MAX 1200
/* More are never needed for what arrives in order; a sender that plays with old numbers may make
 * each packet one, and gets no more. */
#define FEEDBACK_MESSAGES_MAX 8

struct feedback_writer {
  int64_t *arrived; /* by unwrapped sequence modulo FEEDBACK_WINDOW: when, in 250 µs; or none */
  bool has_begun;
  int64_t newest;     /* unwrapped */
  int64_t fresh_from; /* the lowest to report next; or none */
  int64_t next_base;  /* one above the highest reported; or none */
  uint8_t count;      /* of messages */
};

/* What one round of messages is about: from `first` to `newest`, which has arrived. */
struct feedback_span {
  int64_t first, newest;
  uint32_t messages;
};

/* Takes memory, once; false when there is none. Without it nothing is remembered. */
bool feedback_reserve(struct feedback_writer *writer);
void feedback_free(struct feedback_writer *writer);
void feedback_add(struct feedback_writer *writer, uint16_t sequence, int64_t arrival_ns);
/* What arrived since the last call; false: nothing did. */
bool feedback_take(struct feedback_writer *writer, struct feedback_span *span);
/* Writes the span's next message into FEEDBACK_MESSAGE_MAX bytes and takes it off the span; returns
 * its length, 0 at the end. */
uint32_t feedback_write(struct feedback_writer *writer, struct feedback_span *span,
                        uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out);

#endif
