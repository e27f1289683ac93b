/* See rtp.h. */
#include "rtp.h"

#include "bytes.h"

#define ONE_BYTE_PROFILE 0xbede
#define TWO_BYTE_PROFILE 0x1000 /* the lowest four bits are the application's */

static void take_element(uint8_t id, const uint8_t *value, uint8_t length,
                         const struct extension_ids *ids, struct rtp_packet *packet) {
  struct identifier text = {value, length};
  if (id == ids->mid) {
    if (length <= IDENTIFIER_MAX) packet->mid = text;
  } else if (id == ids->rid) {
    if (length <= IDENTIFIER_MAX) packet->rid = text;
  } else if (id == ids->repaired_rid) {
    if (length <= IDENTIFIER_MAX) packet->repaired_rid = text;
  } else if (id == ids->audio_level && length >= 1) {
    packet->has_audio_level = true;
    packet->audio_level = value[0];
  } else if (id == ids->transport_cc && length >= 2) {
    packet->has_transport_sequence = true;
    packet->transport_sequence = read_u16(value);
  } else if (id == ids->video_orientation && length >= 1) {
    packet->has_orientation = true;
    packet->orientation = value[0];
  }
}

static void read_extensions(uint16_t profile, const uint8_t *at, const uint8_t *end,
                            const struct extension_ids *ids, struct rtp_packet *packet) {
  bool one_byte = profile == ONE_BYTE_PROFILE;
  if (!one_byte && (profile & 0xfff0) != TWO_BYTE_PROFILE) return;
  while (at < end) {
    if (*at == 0) { /* padding between elements */
      at++;
      continue;
    }
    uint8_t id, length;
    if (one_byte) {
      id = *at >> 4;
      length = (uint8_t)((*at & 0x0f) + 1);
      at += 1;
      if (id == 15) return; /* reserved: stop (RFC 8285 §4.2) */
    } else {
      if (end - at < 2) return;
      id = at[0];
      length = at[1];
      at += 2;
    }
    if (length > end - at) return;
    if (id) take_element(id, at, length, ids, packet);
    at += length;
  }
}

bool rtp_read(const uint8_t *data, uint32_t length, const struct extension_ids *ids,
              struct rtp_packet *packet) {
  if (length < RTP_HEADER_BYTES || data[0] >> 6 != 2) return false;
  *packet = (struct rtp_packet){
      .payload_type = data[1] & 0x7f,
      .marker = data[1] & 0x80,
      .sequence = read_u16(data + 2),
      .timestamp = read_u32(data + 4),
      .ssrc = read_u32(data + 8),
  };
  uint32_t at = RTP_HEADER_BYTES + 4 * (data[0] & 0x0fu);
  if (at > length) return false;
  if (data[0] & 0x10) {
    if (at + 4 > length) return false;
    uint16_t profile = read_u16(data + at);
    uint32_t end = at + 4 + 4 * (uint32_t)read_u16(data + at + 2);
    if (end > length || end - at - 4 > EXTENSIONS_BYTES_MAX) return false;
    read_extensions(profile, data + at + 4, data + end, ids, packet);
    at = end;
  }
  uint32_t padding = 0;
  if (data[0] & 0x20) {
    padding = length > at ? data[length - 1] : 0;
    if (padding == 0 || padding > length - at) return false;
  }
  packet->payload = data + at;
  packet->payload_length = (uint16_t)(length - at - padding);
  return true;
}
