/* See consumer_packet.h. */
#include "consumer_packet.h"

#include <string.h>

#include "bytes.h"
#include "core.h"

#define ONE_BYTE_PROFILE 0xbede
#define ONE_BYTE_ID_MAX 14
#define EXTENSIONS_AT (RTP_HEADER_BYTES + 4)
#define PADDING_BIT 0x20
#define PADDING_BYTES 255 /* the most that RFC 3550 §5.1 can say */

static bool usable(uint8_t id) { return id >= 1 && id <= ONE_BYTE_ID_MAX; }

static uint8_t *begin_element(uint8_t *at, uint8_t id, uint8_t length) {
  *at = (uint8_t)(id << 4 | (length - 1));
  return at + 1;
}

void consumer_build_extensions(struct consumer *consumer) {
  const struct extension_ids *ids = &consumer->transport->extensions;
  uint8_t *start = consumer->extensions, *at = start;
  consumer->abs_send_time_at = consumer->transport_sequence_at = 0;
  if (usable(ids->mid) && consumer->mid_length) {
    at = begin_element(at, ids->mid, consumer->mid_length);
    memcpy(at, consumer->mid, consumer->mid_length);
    at += consumer->mid_length;
  }
  if (usable(ids->abs_send_time)) {
    at = begin_element(at, ids->abs_send_time, 3);
    consumer->abs_send_time_at = (uint8_t)(EXTENSIONS_AT + (at - start));
    memset(at, 0, 3);
    at += 3;
  }
  if (usable(ids->transport_cc)) {
    at = begin_element(at, ids->transport_cc, 2);
    consumer->transport_sequence_at = (uint8_t)(EXTENSIONS_AT + (at - start));
    memset(at, 0, 2);
    at += 2;
  }
  consumer->extensions_length = (uint8_t)(at - start);
  consumer->header_version++;
}

/* Returns where the payload begins. */
static uint8_t *write_extensions(const struct consumer *consumer, const struct media *media,
                                 uint8_t *out) {
  const struct extension_ids *ids = &consumer->transport->extensions;
  uint8_t *start = out + EXTENSIONS_AT, *at = start + consumer->extensions_length;
  memcpy(start, consumer->extensions, consumer->extensions_length);
  if (media->has_audio_level && usable(ids->audio_level)) {
    at = begin_element(at, ids->audio_level, 1);
    *at++ = media->audio_level;
  }
  if (media->has_orientation && usable(ids->video_orientation)) {
    at = begin_element(at, ids->video_orientation, 1);
    *at++ = media->orientation;
  }
  if (at == start) return out + RTP_HEADER_BYTES;
  while ((at - start) % 4) *at++ = 0;
  out[0] |= 0x10;
  write_u16(out + RTP_HEADER_BYTES, ONE_BYTE_PROFILE);
  write_u16(out + RTP_HEADER_BYTES + 2, (uint16_t)((at - start) / 4));
  return at;
}

static void rewrite_picture(const struct picture *picture, const struct mapping *mapping,
                            uint8_t *payload) {
  if (picture->picture_id_at) {
    uint16_t id = (uint16_t)(picture->picture_id + mapping->picture_id_delta);
    uint8_t *at = payload + picture->picture_id_at;
    if (picture->picture_id_bits == 15)
      write_u16(at, 0x8000 | (id & 0x7fff));
    else
      *at = id & 0x7f;
  }
  if (picture->tl0_index_at)
    payload[picture->tl0_index_at] = (uint8_t)(picture->tl0_index + mapping->tl0_index_delta);
}

uint32_t consumer_write(struct consumer *consumer, const struct media *media,
                        const struct mapping *mapping, bool as_rtx, uint8_t *out) {
  uint8_t type = as_rtx ? consumer->rtx_payload_type : consumer->payload_type;
  out[0] = 2 << 6;
  out[1] = (uint8_t)(media->marker << 7 | type);
  write_u16(out + 2, as_rtx ? consumer->rtx_sequence++ : mapping->sequence);
  write_u32(out + 4, media->timestamp + mapping->timestamp_delta);
  write_u32(out + 8, as_rtx ? consumer->rtx_ssrc : consumer->ssrc);
  uint8_t *payload = write_extensions(consumer, media, out);
  if (as_rtx) {
    write_u16(payload, mapping->sequence);
    payload += 2;
  }
  memcpy(payload, media->payload, media->payload_length);
  rewrite_picture(&media->picture, mapping, payload);
  return (uint32_t)(payload - out) + media->payload_length;
}

uint32_t consumer_write_padding(struct consumer *consumer, uint8_t *out) {
  static const struct media nothing;
  out[0] = 2 << 6;
  out[1] = consumer->rtx_payload_type;
  write_u16(out + 2, consumer->rtx_sequence++);
  write_u32(out + 4, consumer->last_timestamp);
  write_u32(out + 8, consumer->rtx_ssrc);
  uint8_t *padding = write_extensions(consumer, &nothing, out);
  out[0] |= PADDING_BIT;
  memset(padding, 0, PADDING_BYTES - 1);
  padding[PADDING_BYTES - 1] = PADDING_BYTES;
  return (uint32_t)(padding - out) + PADDING_BYTES;
}

struct departure consumer_depart(struct consumer *consumer, int64_t now) {
  struct departure departure = {0};
  /* 6.18 fixed point seconds, of any epoch */
  if (consumer->abs_send_time_at)
    departure.abs_send_time = (uint32_t)(((uint64_t)now / 1000 << 18) / 1000000) & 0xffffff;
  if (consumer->transport_sequence_at)
    departure.transport_sequence = consumer->transport->transport_sequence++;
  return departure;
}

void consumer_stamp(const struct consumer *consumer, const struct departure *departure,
                    uint8_t *packet) {
  if (consumer->abs_send_time_at)
    write_u24(packet + consumer->abs_send_time_at, departure->abs_send_time);
  if (consumer->transport_sequence_at)
    write_u16(packet + consumer->transport_sequence_at, departure->transport_sequence);
}
