/* Owns the bytes of reports: report blocks read and written, receiver reports, and the source
 * descriptions that go with them (RFC 3550 §6.4, §6.5). What they mean for a line is
 * report_reader.c's, when they are sent is reports.c's. */
#ifndef TONGKE_RTCP_REPORT_H
#define TONGKE_RTCP_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "rtcp.h"

#define REPORT_BLOCKS_MAX 31 /* five bits in the RTCP header */
#define REPORT_BLOCK_BYTES 24

/* In the RFC's units. */
struct report_block {
  uint32_t ssrc;
  uint8_t fraction_lost;        /* of 256 */
  int32_t cumulative_lost;      /* 24 bits */
  uint32_t highest_sequence;    /* extended */
  uint32_t jitter;              /* in timestamp ticks */
  uint32_t last_sr;             /* middle 32 bits of its NTP timestamp; 0: none */
  uint32_t delay_since_last_sr; /* in 1/65536 s */
};

/* How many blocks an SR or RR holds, whole ones; `*cut` when it announces more. 0 for any other
 * part. */
uint32_t rtcp_block_count(const struct rtcp_part *part, bool *cut);
struct report_block rtcp_read_block(const struct rtcp_part *part, uint32_t index);

/* Writes a receiver report of up to REPORT_BLOCKS_MAX blocks; returns its bytes (8 + 24 each). */
uint32_t rtcp_write_receiver_report(uint8_t *out, uint32_t ssrc, const struct report_block *blocks,
                                    uint32_t count);
/* Writes a source description of one CNAME (at most 255 bytes); returns its bytes. */
uint32_t rtcp_write_cname(uint8_t *out, uint32_t ssrc, const char *cname, uint8_t length);

#endif
