/* See read_ahead.h.
 *
 * Where a thing lies is known once what points to it is here, so it goes in steps, each one
 * consumer's work apart: the consumer, its transport, the transport's line and cipher, the line's
 * window. It is no harm to call for what is not there. */
#include "read_ahead.h"

#define STEPS 4
#define CACHE_LINE 64
#define CIPHER_BYTES 192 /* OpenSSL's EVP_CIPHER_CTX, about */

/* The empty assembly is an effect: GCC drops the calls of a function that does nothing but prefetch,
 * as one without any. */
#define CALL_FOR(place)               \
  do {                                \
    __builtin_prefetch((place), 1);   \
    __asm__ volatile("");             \
  } while (0)

static void call_for_consumer(const struct consumer *consumer) {
  CALL_FOR(&consumer->transport);
  CALL_FOR(&consumer->map);
  CALL_FOR(&consumer->last_sequence);
  CALL_FOR(&consumer->source_layer);
  CALL_FOR(&consumer->extensions);
  CALL_FOR(&consumer->sent);
  CALL_FOR(&consumer->counters[CONSUMER_COUNTER_COUNT - 1]);
}

static void call_for_transport(const struct consumer *consumer) {
  const struct transport *transport = consumer->transport;
  CALL_FOR(&consumer->sent[(consumer->last_sequence + 1) & (consumer->sent_size - 1)]);
  CALL_FOR(&transport->remote);
  CALL_FOR(&transport->aead);
  CALL_FOR(&transport->sensing.line);
  CALL_FOR(&transport->transport_sequence);
  CALL_FOR(&transport->outbox_place);
  CALL_FOR(&transport->counters[TRANSPORT_COUNTER_COUNT - 1]);
}

static void call_for_line_and_cipher(const struct transport *transport) {
  const struct line *line = transport->sensing.line;
  const uint8_t *cipher = transport->aead.context;
  for (uint32_t i = 0; cipher && i < CIPHER_BYTES; i += CACHE_LINE) CALL_FOR(cipher + i);
  if (!line) return;
  CALL_FOR(&line->departures);
  CALL_FOR(&line->departures.packets[transport->transport_sequence % DEPARTURES_SIZE]);
  CALL_FOR(&line->sent);
  CALL_FOR(&line->last_sent_ns);
  CALL_FOR(&line->unheard_since_ns);
  CALL_FOR(&line->is_urgent);
}

static void call_for_window(const struct line *line) {
  if (!line) return;
  const struct sliding_bitrate *sent = &line->sent;
  CALL_FOR(&sent->places[sent->start]);
  CALL_FOR(&sent->places[(sent->start + sent->count) % BITRATE_PLACES]);
}

void read_ahead(const struct producer *producer, int64_t place) {
  struct consumer *const *consumers = producer->consumers;
  int64_t count = producer->consumer_count, next = place + 1;
  if (next + 3 < count) call_for_consumer(consumers[next + 3]);
  if (next + 2 >= 0 && next + 2 < count) call_for_transport(consumers[next + 2]);
  if (next + 1 >= 0 && next + 1 < count)
    call_for_line_and_cipher(consumers[next + 1]->transport);
  if (next >= 0 && next < count) call_for_window(consumers[next]->transport->sensing.line);
}

void read_ahead_begin(const struct producer *producer) {
  for (int64_t place = -STEPS; place < 0; place++) read_ahead(producer, place);
}
