/* Throws hostile reports at the pump's reader of them, and hostile arrivals at its writer of
 * transport-wide feedback.
 *
 * Invariants. Reader: whatever a sender or receiver report holds, no byte outside it is looked at
 * (each is an allocation of its exact size, under AddressSanitizer); a block adds at most a 16-bit
 * cycle of packets to a line's totals, no more lost than expected; the round trip stays within a
 * minute, and is none before a report of ours was named. Writer: whatever arrives whenever, a round
 * has a bounded number of messages within a datagram, which the pump's own parser takes, and which
 * go on from one another.
 *
 * Usage: report_harness reader|writer SEED INPUTS. Prints how many were taken and how many not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "feedback_reader.h"
#include "hostile.h"
#include "report_reader.h"
#include "rtcp_report.h"

static uint32_t any_bits(void) { return any(65536) << 16 | any(65536); }

/* The reader ------------------------------------------------------------------------------------ */

#define MEDIA_SSRC 7
#define RTX_SSRC 8

static struct core core;
static struct transport transport;
static struct consumer consumer;
static int64_t now = SECOND_NS;

static uint32_t a_last_sr(void) {
  const struct consumer_reports *reports = &consumer.reports;
  if (reports->sent_count && any(2)) return reports->sent[any(SENT_REPORTS)].last_sr;
  return any(4) ? any_bits() : 0;
}

static void write_hostile_block(uint8_t *at) {
  static uint32_t highest;
  highest += any(4) ? any(500) : any_bits();
  write_u32(at, any(5) ? MEDIA_SSRC + any(2) : any_bits());
  write_u32(at + 4, any_bits());
  write_u32(at + 8, highest);
  write_u32(at + 12, any_bits());
  write_u32(at + 16, a_last_sr());
  write_u32(at + 20, any(3) ? any(65536) : any_bits());
}

static uint32_t make_report(uint8_t *out) {
  bool is_sr = any(2);
  uint32_t head = is_sr ? 28 : 8, blocks = any(any(6) ? 4 : 32);
  for (uint32_t i = 0; i < head; i++) out[i] = (uint8_t)any(256);
  for (uint32_t i = 0; i < blocks; i++) write_hostile_block(out + head + 24 * i);
  uint32_t length = head + 24 * blocks;
  if (any(8) == 0) length -= 4 * any(1 + length / 4);
  if (length < 4) length = 4;
  out[0] = (uint8_t)(0x80 | (any(4) ? blocks & 31 : any(32)));
  out[1] = is_sr ? RTCP_SR : RTCP_RR;
  write_u16(out + 2, (uint16_t)(length / 4 - 1));
  return length;
}

static bool try_report(void) {
  uint8_t room[28 + 24 * 32];
  uint32_t length = make_report(room), at = 0;
  uint64_t expected = transport.counters[TRANSPORT_packets_expected];
  uint64_t lost = transport.counters[TRANSPORT_packets_lost];
  uint8_t *exact = malloc(length);
  memcpy(exact, room, length);
  struct rtcp_part part;
  bool malformed, cut;
  REQUIRE(rtcp_next(exact, length, &at, &part, &malformed));
  uint32_t count = rtcp_block_count(&part, &cut);
  reports_take(&core, &transport, &part, now);
  free(exact);
  expected = transport.counters[TRANSPORT_packets_expected] - expected;
  lost = transport.counters[TRANSPORT_packets_lost] - lost;
  REQUIRE(count <= REPORT_BLOCKS_MAX && lost <= expected && expected <= 0xffff * (uint64_t)count);
  REQUIRE(transport.round_trip_ns >= 0 && transport.round_trip_ns <= 60 * SECOND_NS);
  REQUIRE(!transport.round_trip_ns || consumer.reports.sent_count);
  REQUIRE(consumer.reports.heard.expected <= 2 * 0xffff);
  now += any(50) * MILLISECOND_NS;
  if (any(200) == 0) reports_remember_sent(&consumer, (uint64_t)any_bits() << 32 | any_bits(), now);
  if (any(100) == 0) consumer.reports.heard = (struct heard_report){0};
  return count && !cut;
}

/* The writer ------------------------------------------------------------------------------------ */

static struct feedback_writer writer;

static void check_message(const uint8_t *message, uint32_t length, uint16_t base) {
  uint8_t *exact = malloc(length);
  memcpy(exact, message, length);
  struct feedback_reader reader;
  struct packet_report report;
  struct rtcp_part part;
  bool malformed;
  uint32_t at = 0, arrived = 0;
  REQUIRE(length <= FEEDBACK_MESSAGE_MAX && rtcp_is_well_formed(exact, length));
  REQUIRE(rtcp_next(exact, length, &at, &part, &malformed) && at == length);
  REQUIRE(rtcp_is_transport_feedback(&part) && feedback_open(&reader, &part));
  REQUIRE(reader.base == base);
  while (feedback_next(&reader, &report)) arrived += report.arrived;
  REQUIRE(arrived && arrived <= FEEDBACK_RECEIVED_MAX);
  free(exact);
}

static bool try_round(void) {
  static const int64_t pauses[] = {0, 250000, 10000000, 70000000, 9 * SECOND_NS};
  static uint16_t sequence;
  uint8_t message[FEEDBACK_MESSAGE_MAX];
  struct feedback_span span;
  uint32_t arrivals = any(any(20) ? 40 : 3000), habit = any(5), length, messages = 0;
  for (uint32_t i = 0; i < arrivals; i++) {
    now += pauses[any(200) ? any(2) : any(5)];
    sequence = (uint16_t)(sequence + (habit == 0   ? any(65536)
                                      : habit == 1 ? 65536 - any(5)
                                      : any(30)    ? 1
                                                   : any(4100) - 2050));
    feedback_add(&writer, sequence, now);
  }
  if (!feedback_take(&writer, &span)) return false;
  uint16_t base = (uint16_t)span.first;
  while ((length = feedback_write(&writer, &span, 1, 2, message))) {
    check_message(message, length, base);
    base = (uint16_t)span.first;
    messages++;
  }
  REQUIRE(messages && messages <= FEEDBACK_MESSAGES_MAX && !feedback_take(&writer, &span));
  return true;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  bool reads = strcmp(arguments[1], "reader") == 0;
  uint64_t inputs = strtoull(arguments[3], NULL, 10), taken = 0;
  state = strtoull(arguments[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
  REQUIRE(feedback_reserve(&writer) && ssrc_table_reserve(&transport.outgoing, 2));
  ssrc_table_put(&transport.outgoing, MEDIA_SSRC, SSRC_MEDIA, &consumer);
  ssrc_table_put(&transport.outgoing, RTX_SSRC, SSRC_RTX, &consumer);
  for (uint64_t i = 0; i < inputs; i++) taken += reads ? try_report() : try_round();
  feedback_free(&writer);
  ssrc_table_free(&transport.outgoing);
  printf("%llu taken, %llu not\n", (unsigned long long)taken,
         (unsigned long long)(inputs - taken));
  return 0;
}
