/* See feedback_writer.h. */
#include "feedback_writer.h"

#include <stdlib.h>

#include "bytes.h"
#include "rtcp.h"

#define TICK_NS 250000
#define TICKS_PER_REFERENCE 256 /* 64 ms */
#define NONE INT64_MIN
/* Where unwrapped sequences begin: a multiple of 2^16, so that earlier ones stay positive. */
#define FIRST_CYCLE (INT64_C(1) << 32)

enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA };
enum { ONE_BIT_SYMBOLS = 14, TWO_BIT_SYMBOLS = 7, HEADERS_BYTES = 20 };

bool feedback_reserve(struct feedback_writer *writer) {
  if (!writer->arrived) writer->arrived = malloc(FEEDBACK_WINDOW * sizeof *writer->arrived);
  return writer->arrived;
}

void feedback_free(struct feedback_writer *writer) {
  free(writer->arrived);
  *writer = (struct feedback_writer){0};
}

static int64_t *place(const struct feedback_writer *writer, int64_t sequence) {
  return &writer->arrived[sequence & (FEEDBACK_WINDOW - 1)];
}

static void begin_at(struct feedback_writer *writer, uint16_t sequence) {
  for (uint32_t i = 0; i < FEEDBACK_WINDOW; i++) writer->arrived[i] = NONE;
  writer->has_begun = true;
  writer->newest = FIRST_CYCLE + sequence;
  writer->fresh_from = writer->next_base = NONE;
}

void feedback_add(struct feedback_writer *writer, uint16_t on_wire, int64_t arrival_ns) {
  if (!writer->arrived) return;
  int16_t ahead = (int16_t)(on_wire - (uint16_t)writer->newest);
  if (!writer->has_begun || ahead > FEEDBACK_GAP_MAX || ahead < -FEEDBACK_GAP_MAX) {
    begin_at(writer, on_wire);
    ahead = 0;
  }
  int64_t sequence = writer->newest + ahead;
  if (ahead <= 0 && *place(writer, sequence) != NONE) return; /* a copy */
  for (; writer->newest < sequence; writer->newest++) *place(writer, writer->newest + 1) = NONE;
  *place(writer, sequence) = arrival_ns / TICK_NS;
  if (writer->fresh_from == NONE || sequence < writer->fresh_from) writer->fresh_from = sequence;
}

bool feedback_take(struct feedback_writer *writer, struct feedback_span *span) {
  if (!writer->has_begun || writer->fresh_from == NONE) return false;
  int64_t first = writer->fresh_from;
  if (writer->next_base != NONE && writer->next_base < first) first = writer->next_base;
  if (first < writer->newest - FEEDBACK_GAP_MAX) first = writer->newest - FEEDBACK_GAP_MAX;
  *span = (struct feedback_span){.first = first, .newest = writer->newest};
  writer->next_base = writer->newest + 1;
  writer->fresh_from = NONE;
  return true;
}

/* One message's packets, before they are written. */
struct message {
  int64_t reference; /* in 64 ms */
  uint32_t count, received;
  uint8_t statuses[FEEDBACK_GAP_MAX + 1];
  int16_t deltas[FEEDBACK_RECEIVED_MAX];
};

static void gather(const struct feedback_writer *writer, const struct feedback_span *span,
                   struct message *message) {
  int64_t ticks = 0;
  message->reference = 0;
  message->count = message->received = 0;
  for (int64_t sequence = span->first;
       sequence <= span->newest && message->received < FEEDBACK_RECEIVED_MAX; sequence++) {
    if (message->received && message->count >= FEEDBACK_PACKETS_MAX) return;
    int64_t arrival = *place(writer, sequence);
    uint8_t *status = &message->statuses[message->count];
    if (arrival == NONE) {
      *status = NOT_RECEIVED;
    } else {
      if (!message->received) {
        message->reference = arrival / TICKS_PER_REFERENCE;
        ticks = message->reference * TICKS_PER_REFERENCE;
      }
      int64_t delta = arrival - ticks;
      if (delta < INT16_MIN || delta > INT16_MAX) return; /* a message with its own reference */
      *status = delta >= 0 && delta <= 255 ? SMALL_DELTA : LARGE_DELTA;
      message->deltas[message->received++] = (int16_t)delta;
      ticks = arrival;
    }
    message->count++;
  }
}

static uint32_t run_at(const struct message *message, uint32_t at) {
  uint32_t run = 1;
  while (at + run < message->count && message->statuses[at + run] == message->statuses[at]) run++;
  return run;
}

static uint32_t symbols_left(const struct message *message, uint32_t at, uint32_t most) {
  return message->count - at < most ? message->count - at : most;
}

static bool fits_one_bit(const struct message *message, uint32_t at) {
  uint32_t count = symbols_left(message, at, ONE_BIT_SYMBOLS);
  for (uint32_t i = 0; i < count; i++)
    if (message->statuses[at + i] == LARGE_DELTA) return false;
  return true;
}

/* Chunks of statuses (§3.1.3, §3.1.4): runs where they are longer than a vector would hold. */
static uint8_t *write_chunks(const struct message *message, uint8_t *out) {
  for (uint32_t at = 0, taken; at < message->count; at += taken, out += 2) {
    bool one_bit = fits_one_bit(message, at);
    uint32_t symbols = one_bit ? ONE_BIT_SYMBOLS : TWO_BIT_SYMBOLS, run = run_at(message, at);
    if (run >= symbols || at + run == message->count) {
      taken = run; /* below 2^13: a message has no more packets */
      write_u16(out, (uint16_t)(message->statuses[at] << 13 | run));
      continue;
    }
    uint32_t bits = one_bit ? 1 : 2, chunk = one_bit ? 0x8000 : 0xc000;
    taken = symbols_left(message, at, symbols);
    for (uint32_t i = 0; i < taken; i++)
      chunk |= (uint32_t)message->statuses[at + i] << (14 - bits * (i + 1));
    write_u16(out, (uint16_t)chunk);
  }
  return out;
}

static uint8_t *write_deltas(const struct message *message, uint8_t *out) {
  for (uint32_t i = 0; i < message->received; i++) {
    int16_t delta = message->deltas[i];
    if (delta >= 0 && delta <= 255) {
      *out++ = (uint8_t)delta;
    } else {
      write_u16(out, (uint16_t)delta);
      out += 2;
    }
  }
  return out;
}

uint32_t feedback_write(struct feedback_writer *writer, struct feedback_span *span,
                        uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out) {
  struct message message;
  if (span->first > span->newest || span->messages == FEEDBACK_MESSAGES_MAX) return 0;
  gather(writer, span, &message);
  write_u32(out + 4, sender_ssrc);
  write_u32(out + 8, media_ssrc);
  write_u16(out + 12, (uint16_t)span->first);
  write_u16(out + 14, (uint16_t)message.count);
  write_u24(out + 16, (uint32_t)message.reference);
  out[19] = writer->count++;
  uint8_t *end = write_deltas(&message, write_chunks(&message, out + HEADERS_BYTES));
  /* Padding as zero bytes without the P bit's count: readers stop at the last delta. */
  while ((end - out) % 4) *end++ = 0;
  uint32_t length = (uint32_t)(end - out);
  out[0] = 0x80 | RTPFB_TRANSPORT_WIDE;
  out[1] = RTCP_RTPFB;
  write_u16(out + 2, (uint16_t)(length / 4 - 1));
  span->first += message.count;
  span->messages++;
  return length;
}
