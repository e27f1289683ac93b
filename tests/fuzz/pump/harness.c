/* Throws hostile datagrams, and calls in any order, at the pump's core.
 *
 * Invariant: whatever arrives, in whatever order calls are made, the core touches no memory that is
 * not its own (AddressSanitizer, UndefinedBehaviorSanitizer), and everything it would send is one
 * whole packet within its bounds.
 *
 * SRTP is a stand-in that trusts everything but one byte: an attacker with the keys is the worst
 * peer there is. Usage: harness SEED DATAGRAMS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "calls_lines.h"
#include "calls_read.h"
#include "calls_streams.h"
#include "calls_transports.h"
#include "cipher.h"
#include "hostile.h"
#include "ingress.h"
#include "tick.h"

#define TAG_BYTES 16
#define PEERS 4
#define STREAMS 6

static int64_t now = SECOND_NS;

static int protect(srtp_session session, void *packet, int *length) {
  (void)session;
  memset((uint8_t *)packet + *length, 0xee, TAG_BYTES);
  *length += TAG_BYTES;
  return SRTP_OK;
}

static int unprotect(srtp_session session, void *packet, int *length) {
  (void)session;
  uint8_t last = ((uint8_t *)packet)[*length - 1];
  if (last == 0xff) return 7;
  if (last == 0xfe) return SRTP_REPLAY_FAIL;
  return SRTP_OK;
}

static int remove_stream(srtp_session session, uint32_t ssrc) {
  (void)session;
  (void)ssrc;
  return SRTP_OK;
}

/* The scene ----------------------------------------------------------------------------------- */

static struct core core;
static int64_t transports[PEERS], producers[STREAMS], consumers[STREAMS];
static uint32_t next_ssrc = 100000;

static struct address peer_address(uint32_t peer) {
  struct address address = {.kind = ADDRESS_INTERNET, .port = (uint16_t)(5000 + peer)};
  memset(address.ip, (int)(peer + 1), sizeof address.ip);
  return address;
}

/* New keys; most are of AES-GCM, which the core uses itself. */
static void set_keys(uint32_t peer, bool has_rx) {
  static const uint32_t lengths[] = {0, 16, 32};
  struct srtp_keys keys = {
      .rx = has_rx ? &core : NULL, .tx = &core, .key_length = lengths[any(3)]};
  core_set_srtp(&core, transports[peer], &keys);
}

static void add_peer(uint32_t peer) {
  struct extension_ids ids = {
      .mid = (uint8_t)any(16), .rid = (uint8_t)any(16), .repaired_rid = (uint8_t)any(16),
      .audio_level = (uint8_t)any(16), .abs_send_time = (uint8_t)any(16),
      .transport_cc = (uint8_t)any(16), .video_orientation = (uint8_t)any(16)};
  if (peer == PEERS - 1) {
    transports[peer] = core_add_plain_transport(&core, "/nowhere/fuzz");
  } else {
    struct address address = peer_address(peer);
    transports[peer] = core_add_transport(&core, &ids);
    core_set_remote(&core, transports[peer], &address, &address);
    set_keys(peer, true);
  }
  REQUIRE(transports[peer] > 0);
  core_set_reporting(&core, transports[peer], 1, "fuzz", any(5));
}

static void add_producer(uint32_t stream) {
  static const uint8_t sets[] = {0x78, 0, 6, 0x67, 66, 0, 31, 0x80, 9, 0, 3, 0x68, 0x80, 9};
  struct producer_settings settings = {
      .codec = (enum codec)(stream % CODEC_COUNT), .clock_rate = 90000, .nack = stream % 2};
  producers[stream] = core_add_producer(&core, transports[stream % PEERS], &settings);
  for (int layer = 0; layer < LAYERS; layer++) {
    struct encoding_settings encoding = {.layer = layer, .payload_type = 96,
                                         .ssrc = 10 * stream + (uint32_t)layer,
                                         .rtx_ssrc = 1000 + 10 * stream + (uint32_t)layer,
                                         .rtx_payload_type = 97,
                                         .parameter_sets = sets,
                                         .parameter_sets_length = (uint16_t)any(sizeof sets + 1)};
    core_add_encoding(&core, producers[stream], &encoding, now);
  }
}

static void add_consumer(uint32_t stream) {
  struct consumer_settings settings = {.ssrc = next_ssrc++, .payload_type = 100, .mid = "mid",
                                       .mid_length = (uint8_t)any(4), .cname = "cname",
                                       .cname_length = (uint8_t)any(6)};
  if (any(2)) {
    settings.rtx_ssrc = next_ssrc++;
    settings.rtx_payload_type = 101;
  }
  consumers[stream] =
      core_add_consumer(&core, producers[any(STREAMS)], transports[any(PEERS)], &settings);
  if (consumers[stream] > 0)
    core_set_consumer_layer(&core, consumers[stream], (int)any(LAYERS + 1) - 1, now);
}

static void change_something(void) {
  uint32_t which = any(STREAMS);
  struct address address = peer_address(any(PEERS + 2));
  switch (any(16)) {
    case 0:
      core_remove_consumer(&core, consumers[which]);
      add_consumer(which);
      break;
    case 1:
      core_remove_producer(&core, producers[which]);
      add_producer(which);
      break;
    case 2:
      if (any(10)) break;
      core_remove_transport(&core, transports[which % PEERS]);
      add_peer(which % PEERS);
      for (uint32_t i = which % PEERS; i < STREAMS; i += PEERS) add_producer(i);
      break;
    case 3:
      core_set_producer_paused(&core, producers[which], any(8) == 0, now);
      break;
    case 4:
      core_probe(&core, transports[which % PEERS], 1 + any(5000000), any(100) * MILLISECOND_NS,
                 now);
      break;
    case 5:
      core_set_remote(&core, transports[which % PEERS], any(4) ? &address : NULL, &address);
      for (uint32_t i = 0; i < PEERS; i++) {
        address = peer_address(i);
        if (any(4)) core_set_remote(&core, transports[i], &address, &address);
      }
      break;
    case 6:
      set_keys(which % PEERS, any(9) != 0);
      break;
    case 7:
    case 8:
      for (uint32_t i = 0; i < STREAMS; i++)
        if (core_set_consumer_layer(&core, consumers[i], (int)any(LAYERS), now)) add_consumer(i);
      break;
    default:
      core_set_consumer_layer(&core, consumers[which], (int)any(LAYERS + 1) - 1, now);
  }
}

/* Datagrams ----------------------------------------------------------------------------------- */

static uint32_t aimed_peer; /* whose streams the datagram speaks of */

static uint32_t stream_ssrc(void) {
  uint32_t stream = any(STREAMS);
  aimed_peer = stream % PEERS;
  return 10 * stream + any(LAYERS);
}

static uint32_t write_extensions(uint8_t *at, uint32_t room) {
  uint32_t words = any(any(4) ? 6 : 60), length = 4 + 4 * words;
  if (length > room) return 0;
  write_u16(at, any(3) ? 0xbede : any(2) ? 0x1000 : any(65536));
  write_u16(at + 2, (uint16_t)words);
  for (uint32_t i = 4; i < length; i++) at[i] = (uint8_t)any(any(2) ? 256 : 40);
  return length;
}

static uint32_t write_payload(uint8_t *at, uint32_t room) {
  static const uint8_t starts[][6] = {{0x90, 0xe0, 0x80, 1, 2, 0}, {0x10, 0x00}, {0x67, 1},
                                      {0x65, 1}, {0x78, 0, 2, 0x67, 1}, {0x7c, 0x85}, {0x90, 0x80},
                                      {0x65, 0x80}, {0x68, 0x80}, {0x67, 66, 0, 31, 0x80, 1}};
  uint32_t length = any(any(8) ? 60 : room + 1);
  for (uint32_t i = 0; i < length; i++) at[i] = (uint8_t)any(256);
  if (any(3)) memcpy(at, starts[any(10)], length < 6 ? length : 6);
  return length;
}

static uint16_t sequences[STREAMS * 10];

static uint32_t make_rtp(uint8_t *data, uint32_t room) {
  uint32_t ssrc = stream_ssrc(), at = RTP_HEADER_BYTES;
  bool rtx = any(6) == 0;
  uint16_t *sequence = &sequences[ssrc];
  *sequence = (uint16_t)(*sequence + (any(8) ? 1 : any(40) ? any(40) : any(65536)));
  data[0] = (uint8_t)(0x80 | (any(2) ? 0x10 : 0) | (any(20) ? 0 : 0x20) | (any(20) ? 0 : any(16)));
  data[1] = (uint8_t)((any(2) << 7) | (rtx ? 97 : any(30) ? 96 : any(128)));
  write_u16(data + 2, (uint16_t)(*sequence - (any(6) ? 0 : any(any(9) ? 30 : 2000))));
  write_u32(data + 4, (uint32_t)(now / 11111) + any(3));
  write_u32(data + 8, rtx ? ssrc + 1000 : any(50) ? ssrc : any(100000));
  if (data[0] & 0x10) at += write_extensions(data + at, 300);
  if (rtx) {
    write_u16(data + at, (uint16_t)(*sequence - any(20)));
    at += 2;
  }
  return at + write_payload(data + at, room - at);
}

static void nack_a_consumer(uint8_t *part, uint32_t words) {
  const struct consumer *consumer = registry_get(&core.consumers, consumers[any(STREAMS)]);
  part[0] = 0x81;
  part[1] = 205;
  if (!consumer || words < 3) return;
  for (uint32_t i = 0; i < PEERS; i++)
    if (transports[i] == consumer->transport->id) aimed_peer = i;
  write_u32(part + 8, consumer->ssrc);
  for (uint32_t i = 3; i <= words; i++)
    write_u16(part + 4 * i, (uint16_t)(consumer->last_sequence - any(any(3) ? 50 : 65536)));
}

static void report_on_a_consumer(uint8_t *part, uint32_t words) {
  const struct consumer *consumer = registry_get(&core.consumers, consumers[any(STREAMS)]);
  part[0] = 0x81;
  part[1] = RTCP_RR;
  if (!consumer || words < 7) return;
  for (uint32_t i = 0; i < PEERS; i++)
    if (transports[i] == consumer->transport->id) aimed_peer = i;
  write_u32(part + 8, any(4) ? consumer->ssrc : consumer->rtx_ssrc);
  write_u32(part + 16, consumer->reports.heard.highest_sequence + any(1000));
  write_u32(part + 24, consumer->reports.sent[any(SENT_REPORTS)].last_sr);
  if (any(2)) write_u32(part + 28, any(65536));
}

/* On what was sent to somebody lately, or nearly so. */
static void report_arrivals(uint8_t *part, uint32_t words) {
  const struct consumer *consumer = registry_get(&core.consumers, consumers[any(STREAMS)]);
  if (!consumer || words < 6) return;
  for (uint32_t i = 0; i < PEERS; i++)
    if (transports[i] == consumer->transport->id) aimed_peer = i;
  uint32_t packets = 1 + any(any(4) ? 14 : 3000);
  part[0] = 0x80 | 15;
  part[1] = 205;
  write_u16(part + 12,
            (uint16_t)(consumer->transport->transport_sequence - any(any(6) ? 40 : 65536)));
  write_u16(part + 14, (uint16_t)packets);
  if (any(4)) write_u24(part + 16, (uint32_t)(now / MILLISECOND_NS / 64));
  write_u16(part + 20, (uint16_t)(packets > 14 || any(3) == 0 ? any(2) << 13 | packets
                                                              : 0x8000 | any(0x4000)));
}

static uint32_t make_rtcp(uint8_t *data, uint32_t room) {
  uint32_t at = 0, parts = 1 + any(4);
  while (parts-- && at + 200 < room) {
    uint32_t words = 1 + any(12);
    uint8_t *part = data + at;
    for (uint32_t i = 0; i < 4 * (words + 1); i++) part[i] = (uint8_t)any(256);
    part[0] = (uint8_t)(0x80 | any(32));
    part[1] = (uint8_t)(any(4) ? 200 + any(8) : 192 + any(32));
    write_u16(part + 2, (uint16_t)words);
    write_u32(part + 4, any(3) ? stream_ssrc() : any(1000));
    if (any(2)) nack_a_consumer(part, words);
    else if (any(2)) report_on_a_consumer(part, words);
    else if (any(2)) report_arrivals(part, words);
    at += 4 * (words + 1);
  }
  return at;
}

static uint32_t make_datagram(uint8_t *data, uint32_t room) {
  uint32_t length;
  switch (any(8)) {
    case 0:
      length = any(room + 1);
      for (uint32_t i = 0; i < length; i++) data[i] = (uint8_t)any(256);
      if (length && any(2)) data[0] = (uint8_t)(0x80 | any(64));
      break;
    case 1:
    case 2:
      length = make_rtcp(data, room);
      break;
    default:
      length = make_rtp(data, room);
  }
  while (length && any(6) == 0) data[any(length)] = (uint8_t)any(256); /* a flipped byte or more */
  if (any(12) == 0) length = any(length + 1);                          /* cut */
  return length;
}

/* What must hold ------------------------------------------------------------------------------- */

static void check_outbox(void) {
  struct extension_ids none = {0};
  struct outbox *outbox = core.outbox;
  uint32_t seen = 0;
  for (uint32_t i = 0; i < outbox->destination_count; i++) {
    const struct destination *to = &outbox->destinations[i];
    for (uint16_t place = to->first; place != OUTBOX_NONE; place = outbox->packets[place].next) {
      const struct out_packet *packet = &outbox->packets[place];
      struct rtp_packet read;
      uint32_t tag = to->plain ? 0 : TAG_BYTES;
      REQUIRE(packet->length >= RTP_HEADER_BYTES + tag || looks_like_rtcp(packet->bytes));
      REQUIRE(packet->length <= DATAGRAM_MAX + 100);
      if (looks_like_rtcp(packet->bytes))
        REQUIRE(rtcp_is_well_formed(packet->bytes, packet->length - tag) &&
                packet->length <= FEEDBACK_MESSAGE_MAX + tag);
      else
        REQUIRE(rtp_read(packet->bytes, packet->length - tag, &none, &read));
      seen++;
    }
  }
  REQUIRE(seen == outbox->packet_count);
  outbox_clear(outbox);
}

static void check_events(void) {
  static uint8_t room[32 * 1024];
  uint32_t bytes = event_ring_take(&core.events, room, sizeof room, 1 + any(100));
  for (uint32_t at = 0; at < bytes;) {
    const struct event *event = (const struct event *)(room + at);
    REQUIRE(event->size >= sizeof *event + event->data_length && at + event->size <= bytes);
    at += event->size;
  }
}

static uint64_t readings; /* that had something to say */

static void read_everything(void) {
  static struct stream_losses losses[64];
  static uint64_t bytes[STREAMS];
  static struct audio_level levels[64];
  static struct train_packet train[TRAIN_MAX];
  static struct encoding_stats stats[LAYERS];
  static struct layer_totals layers[LAYERS];
  static uint8_t format[PARAMETER_SETS_BYTES];
  for (uint32_t i = 0; i < PEERS; i++) {
    struct transport_totals totals;
    core_losses(&core, transports[i], losses, 64);
    if (!core_totals(&core, &transports[i], 1, &totals))
      REQUIRE(totals.packets_lost <= totals.packets_expected && totals.round_trip_ns >= 0);
    struct line_reading reading;
    REQUIRE(core_line(&core, transports[i], &reading, train) == 0);
    REQUIRE(reading.usage <= USAGE_UNDERUSE && reading.train_count <= TRAIN_MAX);
    REQUIRE(reading.acknowledged_bps >= -1 && reading.busy_bps >= -1 && reading.sent_bps >= -1);
    REQUIRE(reading.loss.lost <= reading.loss.expected && reading.loss.expected >= 0);
    REQUIRE(reading.loss.lost_bytes <= reading.loss.bytes);
    readings += reading.heard_since_ns != 0;
    core_set_line_settled(&core, transports[i], any(2));
  }
  for (uint32_t i = 0; i < STREAMS; i++) {
    core_producer_stats(&core, producers[i], stats);
    core_layer_totals(&core, producers[i], layers);
    REQUIRE(core_picture_format(&core, producers[i], (int)any(LAYERS), format) <=
            PARAMETER_SETS_BYTES);
  }
  core_consumer_bytes(&core, consumers, STREAMS, bytes);
  core_audio_levels(&core, levels, 64);
}

static void throw_one(void) {
  static uint8_t room[1600];
  uint32_t length = make_datagram(room, any(50) ? 1400 : sizeof room - 1);
  uint32_t peer = any(10) ? aimed_peer : any(PEERS + 1);
  struct address from = peer_address(peer);
  if (peer == PEERS - 1) from = address_of_path("/nowhere/fuzz", 13);
  uint8_t *exact = malloc(length ? length : 1); /* so that one byte too far is seen */
  memcpy(exact, room, length);
  struct address to = {.kind = ADDRESS_NONE};
  core_receive(&core, &from, &to, exact, length, now, now);
  free(exact);
  if (any(20) == 0) core_tick(&core, 0, now);
  check_outbox();
}

int main(int count, char **arguments) {
  const struct srtp_functions srtp = {protect,   unprotect,     protect,
                                      unprotect, remove_stream, cipher_functions};
  uint64_t seed = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
  uint64_t datagrams = count > 2 ? strtoull(arguments[2], NULL, 10) : 100000;
  state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  REQUIRE(core_init(&core, &srtp, seed));
  for (uint32_t i = 0; i < PEERS; i++) add_peer(i);
  for (uint32_t i = 0; i < STREAMS; i++) add_producer(i);
  for (uint32_t i = 0; i < STREAMS; i++) add_consumer(i);
  for (uint64_t i = 0; i < datagrams; i++) {
    now += any(any(10) ? 2 : 50) * MILLISECOND_NS;
    throw_one();
    if (any(40) == 0) change_something();
    if (any(10) == 0) check_events();
    if (any(2000) == 0) read_everything();
  }
  REQUIRE(datagrams < 10000 || (packets_sealed && packets_repeated));
  REQUIRE(datagrams < 10000 || core.counters[COUNTER_parameter_sets_sent]);
  printf("%llu datagrams, %llu forwarded, %llu retransmitted, %llu asked for, %llu readings\n",
         (unsigned long long)core.counters[COUNTER_received_datagrams],
         (unsigned long long)core.counters[COUNTER_forwarded_packets],
         (unsigned long long)core.counters[COUNTER_retransmitted_packets],
         (unsigned long long)core.counters[COUNTER_nacks_sent], (unsigned long long)readings);
  core_remove_transports(&core);
  core_free(&core);
  return 0;
}
