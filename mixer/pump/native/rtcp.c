/* See rtcp.h. */
#include "rtcp.h"

#include "bytes.h"

bool rtcp_next(const uint8_t *data, uint32_t length, uint32_t *at, struct rtcp_part *part,
               bool *malformed) {
  if (*at == length) return false;
  *malformed = true;
  if (length - *at < 4) return false;
  const uint8_t *head = data + *at;
  uint32_t bytes = 4 * ((uint32_t)read_u16(head + 2) + 1);
  if (head[0] >> 6 != 2 || head[1] < 192 || head[1] > 223 || bytes > length - *at) return false;
  if ((head[0] & 0x20) && *at + bytes != length) return false; /* padding: the last part's only */
  *malformed = false;
  *part = (struct rtcp_part){head[1], head[0] & 0x1f, head, bytes};
  *at += bytes;
  return true;
}

bool rtcp_is_well_formed(const uint8_t *data, uint32_t length) {
  uint32_t at = 0;
  struct rtcp_part part;
  bool malformed = length < 8;
  while (!malformed && rtcp_next(data, length, &at, &part, &malformed)) continue;
  return !malformed;
}

bool rtcp_read_sender_report(const struct rtcp_part *part, struct sender_report *report) {
  if (part->type != RTCP_SR || part->length < 28) return false;
  report->ssrc = read_u32(part->data + 4);
  report->ntp = read_u64(part->data + 8);
  report->rtp_timestamp = read_u32(part->data + 16);
  return true;
}

uint32_t rtcp_write_nack(uint8_t *out, uint32_t sender_ssrc, uint32_t media_ssrc,
                         const struct nack_pair *pairs, uint32_t count) {
  out[0] = 0x80 | RTPFB_NACK;
  out[1] = RTCP_RTPFB;
  write_u16(out + 2, (uint16_t)(2 + count));
  write_u32(out + 4, sender_ssrc);
  write_u32(out + 8, media_ssrc);
  for (uint32_t i = 0; i < count; i++) {
    write_u16(out + 12 + 4 * i, pairs[i].first);
    write_u16(out + 14 + 4 * i, pairs[i].mask);
  }
  return 12 + 4 * count;
}

uint32_t rtcp_write_sender_report(uint8_t *out, const struct sender_totals *totals) {
  out[0] = 0x80;
  out[1] = RTCP_SR;
  write_u16(out + 2, 6);
  write_u32(out + 4, totals->ssrc);
  write_u64(out + 8, totals->ntp);
  write_u32(out + 16, totals->rtp_timestamp);
  write_u32(out + 20, totals->packets);
  write_u32(out + 24, totals->octets);
  return 28;
}
