/* Owns what of RTCP the pump itself reads and writes: compound framing (RFC 3550 §6.1, reduced
 * size of RFC 5506 allowed), sender reports, generic NACKs (RFC 4585 §6.2.1); report blocks are
 * rtcp_report.h's. Everything else is handed up to Python unread. */
#ifndef TONGKE_RTCP_H
#define TONGKE_RTCP_H

#include <stdbool.h>
#include <stdint.h>

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_RTPFB = 205, RTCP_XR = 207 };
enum { RTPFB_NACK = 1, RTPFB_TRANSPORT_WIDE = 15 };

struct rtcp_part {
  uint8_t type;
  uint8_t count; /* report count, or feedback message type */
  const uint8_t *data;
  uint32_t length; /* of the part, header included */
};

struct sender_report {
  uint32_t ssrc;
  uint32_t rtp_timestamp;
  uint64_t ntp;
};

/* Steps through a compound packet: `*at` starts at 0. False at the end; a malformed part sets
 * `*malformed`. */
bool rtcp_next(const uint8_t *data, uint32_t length, uint32_t *at, struct rtcp_part *part,
               bool *malformed);
bool rtcp_is_well_formed(const uint8_t *data, uint32_t length);

bool rtcp_read_sender_report(const struct rtcp_part *part, struct sender_report *report);

static inline bool rtcp_is_nack(const struct rtcp_part *part) {
  return part->type == RTCP_RTPFB && part->count == RTPFB_NACK && part->length >= 16;
}

struct nack_pair {
  uint16_t first; /* PID */
  uint16_t mask;  /* BLP */
};

/* Writes one generic NACK; returns its bytes (12 + 4 per pair). */
uint32_t rtcp_write_nack(uint8_t *out, uint32_t sender_ssrc, uint32_t media_ssrc,
                         const struct nack_pair *pairs, uint32_t count);

struct sender_totals {
  uint32_t ssrc;
  uint64_t ntp;
  uint32_t rtp_timestamp;
  uint32_t packets;
  uint32_t octets;
};

/* Writes a sender report without report blocks; returns its bytes (28). */
uint32_t rtcp_write_sender_report(uint8_t *out, const struct sender_totals *totals);

#endif
