/* See rtcp_report.h. */
#include "rtcp_report.h"

#include <string.h>

#include "bytes.h"

#define SR_HEAD_BYTES 28
#define RR_HEAD_BYTES 8
#define SDES_CNAME 1

static uint32_t blocks_at(const struct rtcp_part *part) {
  return part->type == RTCP_SR ? SR_HEAD_BYTES : RR_HEAD_BYTES;
}

uint32_t rtcp_block_count(const struct rtcp_part *part, bool *cut) {
  *cut = false;
  if (part->type != RTCP_SR && part->type != RTCP_RR) return 0;
  uint32_t at = blocks_at(part);
  uint32_t whole = part->length < at ? 0 : (part->length - at) / REPORT_BLOCK_BYTES;
  *cut = part->length < at || whole < part->count;
  return whole < part->count ? whole : part->count; /* what follows them is a profile's own */
}

struct report_block rtcp_read_block(const struct rtcp_part *part, uint32_t index) {
  const uint8_t *at = part->data + blocks_at(part) + REPORT_BLOCK_BYTES * index;
  uint32_t lost = read_u32(at + 4);
  return (struct report_block){
      .ssrc = read_u32(at),
      .fraction_lost = (uint8_t)(lost >> 24),
      .cumulative_lost = (int32_t)(lost << 8) >> 8,
      .highest_sequence = read_u32(at + 8),
      .jitter = read_u32(at + 12),
      .last_sr = read_u32(at + 16),
      .delay_since_last_sr = read_u32(at + 20),
  };
}

static void write_block(uint8_t *at, const struct report_block *block) {
  write_u32(at, block->ssrc);
  at[4] = block->fraction_lost;
  write_u24(at + 5, (uint32_t)block->cumulative_lost);
  write_u32(at + 8, block->highest_sequence);
  write_u32(at + 12, block->jitter);
  write_u32(at + 16, block->last_sr);
  write_u32(at + 20, block->delay_since_last_sr);
}

uint32_t rtcp_write_receiver_report(uint8_t *out, uint32_t ssrc, const struct report_block *blocks,
                                    uint32_t count) {
  uint32_t length = RR_HEAD_BYTES + REPORT_BLOCK_BYTES * count;
  out[0] = (uint8_t)(0x80 | count);
  out[1] = RTCP_RR;
  write_u16(out + 2, (uint16_t)(length / 4 - 1));
  write_u32(out + 4, ssrc);
  for (uint32_t i = 0; i < count; i++)
    write_block(out + RR_HEAD_BYTES + REPORT_BLOCK_BYTES * i, &blocks[i]);
  return length;
}

uint32_t rtcp_write_cname(uint8_t *out, uint32_t ssrc, const char *cname, uint8_t cname_length) {
  uint32_t item_end = 8 + 2 + (uint32_t)cname_length;
  uint32_t length = (item_end / 4 + 1) * 4; /* the items end with one to four zero bytes */
  out[0] = 0x81;
  out[1] = RTCP_SDES;
  write_u16(out + 2, (uint16_t)(length / 4 - 1));
  write_u32(out + 4, ssrc);
  out[8] = SDES_CNAME;
  out[9] = cname_length;
  memcpy(out + 10, cname, cname_length);
  memset(out + item_end, 0, length - item_end);
  return length;
}
