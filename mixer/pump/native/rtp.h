/* Owns the RTP header and its extensions (RFC 3550 §5.1, RFC 8285): reading what a peer sent.
 * Writing is the consumer's (consumer_packet.c), which builds every header anew. */
#ifndef TONGKE_RTP_H
#define TONGKE_RTP_H

#include <stdbool.h>
#include <stdint.h>

#define RTP_HEADER_BYTES 12

/* MID, RID and repaired RID longer than this are ignored (RFC 8851 and WebRTC use a few bytes). */
#define IDENTIFIER_MAX 31

/* A block of header extensions longer than this makes a packet malformed: with every extension it
 * knows Chromium sends under 200 bytes, and reading hundreds of elements a packet is work. */
#define EXTENSIONS_BYTES_MAX 512

/* Header extension ids as one transport negotiated them; 0: not negotiated. */
struct extension_ids {
  uint8_t mid;
  uint8_t rid;
  uint8_t repaired_rid;
  uint8_t audio_level;
  uint8_t abs_send_time;
  uint8_t transport_cc;
  uint8_t video_orientation;
};

struct identifier {
  const uint8_t *text; /* into the packet */
  uint8_t length;
};

struct rtp_packet {
  uint8_t payload_type;
  bool marker;
  uint16_t sequence;
  uint32_t timestamp;
  uint32_t ssrc;
  const uint8_t *payload;
  uint16_t payload_length; /* padding taken off */
  struct identifier mid, rid, repaired_rid;
  bool has_audio_level, has_orientation, has_transport_sequence;
  uint8_t audio_level;
  uint8_t orientation;
  uint16_t transport_sequence;
};

/* False for anything that is not one whole RTP packet: wrong version, CSRCs, extension or padding
 * longer than the packet, extensions beyond EXTENSIONS_BYTES_MAX. Extension elements that run past
 * their block end the block. */
bool rtp_read(const uint8_t *data, uint32_t length, const struct extension_ids *ids,
              struct rtp_packet *packet);

/* RTCP packet types are 192–223, where RTP has marker and payload type (RFC 5761 §4). */
static inline bool looks_like_rtcp(const uint8_t *data) {
  return data[1] >= 192 && data[1] <= 223;
}

#endif
