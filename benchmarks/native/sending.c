/* Owns the packets that go out: when each is due, its header (RFC 3550, RFC 8285), its payload
 * (RFC 7741 VP8 or Opus-like) and the trailer that makes it measurable. */
#include "load.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HEADER_BYTES = 12, WIDTH = 1280, HEIGHT = 720 };

struct outgoing {
  uint8_t bytes[DATAGRAM_MAX + SRTP_SPACE];
  int length;
};

static uint8_t *put16(uint8_t *at, uint16_t value) {
  *at++ = value >> 8;
  *at++ = value;
  return at;
}

static uint8_t *put32(uint8_t *at, uint32_t value) {
  return put16(put16(at, value >> 16), value);
}

static uint8_t *put_extension(uint8_t *at, uint8_t id, const void *data, int length) {
  if (!id)
    return at;
  *at++ = id << 4 | (length - 1);
  memcpy(at, data, length);
  return at + length;
}

static uint8_t *put_extensions(uint8_t *at, const struct stream_format *format, struct peer *peer,
                               int64_t stamp_ns) {
  uint8_t *begin = put32(at, 0xBEDE0000), *end = begin;
  uint8_t value[4];
  if (format->mid[0])
    end = put_extension(end, format->mid_id, format->mid, strlen(format->mid));
  value[0] = 0x80 | 30; /* speech at −30 dBov */
  end = put_extension(end, format->audio_level_id, value, 1);
  put32(value, (uint32_t)((__int128)stamp_ns * (1 << 18) / 1000000000) << 8);
  end = put_extension(end, format->abs_send_time_id, value, 3);
  if (format->transport_cc_id) {
    put16(value, peer->transport_sequence++);
    end = put_extension(end, format->transport_cc_id, value, 2);
  }
  if (end == begin)
    return at; /* no extension negotiated: no block */
  while ((end - begin) % 4)
    *end++ = 0;
  put16(begin - 2, (end - begin) / 4);
  return end;
}

/* Descriptor with a 15-bit picture id; a frame tag, and for keyframes start code and size
 * (RFC 6386 §9.1). */
static uint8_t *put_vp8(uint8_t *at, const struct stream *stream, bool keyframe) {
  bool first = stream->packet_in_frame == 0;
  *at++ = first ? 0x90 : 0x80;
  *at++ = 0x80;
  at = put16(at, 0x8000 | (stream->picture_id & 0x7FFF));
  if (!first)
    return at;
  *at++ = keyframe ? 0x10 : 0x11;
  *at++ = 0;
  *at++ = 0;
  if (keyframe) {
    memcpy(at, "\x9d\x01\x2a", 3);
    at += 3;
    *at++ = WIDTH & 0xFF;
    *at++ = WIDTH >> 8;
    *at++ = HEIGHT & 0xFF;
    *at++ = HEIGHT >> 8;
  }
  return at;
}

int packets_in_frame(const struct stream *stream) {
  const struct script *script = stream->script;
  if (!script)
    return stream->format.packets_per_frame;
  int frame = stream->frame % script->frame_count;
  return script->first_packet[frame + 1] - script->first_packet[frame];
}

static uint8_t *put_script(uint8_t *at, const struct stream *stream) {
  const struct script *script = stream->script;
  int packet = script->first_packet[stream->frame % script->frame_count] + stream->packet_in_frame;
  uint32_t length = script->offset[packet + 1] - script->offset[packet];
  memcpy(at, script->bytes + script->offset[packet], length);
  return at + length;
}

static uint8_t *put_payload(uint8_t *payload, struct stream *stream, int id, int64_t stamp_ns) {
  const struct stream_format *format = &stream->format;
  uint8_t *at = payload, *end = payload + format->payload_bytes;
  if (format->video)
    at = put_vp8(at, stream, stream->frame % format->keyframe_every == 0);
  else
    *at++ = 0x78; /* Opus: CELT, 20 ms, mono, one frame */
  memset(at, 0xA5, end - at);
  struct trailer trailer = {htonl(TRAILER_MAGIC), htonl(id), htonl(stream->counter++),
                            htobe64(stamp_ns)};
  memcpy(end - sizeof trailer, &trailer, sizeof trailer);
  return end;
}

static bool build(struct load *load, struct stream *stream, int id, struct outgoing *out) {
  const struct stream_format *format = &stream->format;
  struct peer *peer = load->peers[stream->peer];
  int64_t stamp_ns = clock_ns(CLOCK_REALTIME);
  bool last = stream->packet_in_frame == packets_in_frame(stream) - 1;
  uint8_t *at = out->bytes;
  *at++ = 0x80;
  *at++ = (last && format->video ? 0x80 : 0) | format->payload_type;
  at = put16(at, stream->sequence++);
  at = put32(at, stream->timestamp);
  at = put32(at, format->ssrc);
  uint8_t *payload = put_extensions(at, format, peer, stamp_ns);
  out->bytes[0] |= payload != at ? 0x10 : 0;
  uint8_t *end = stream->script ? put_script(payload, stream)
                                : put_payload(payload, stream, id, stamp_ns);
  out->length = end - out->bytes;
  stream->packets++;
  stream->octets += end - payload;
  stream->stamped_ns = stamp_ns;
  bool in_window = load->measuring && stamp_ns >= load->window_began_ns;
  if (load->srtp.protect(peer->tx, out->bytes, &out->length))
    return false;
  if (stream->script && last)
    stream->frame_sent_ns[stream->sent_frames++ % SCRIPT_FRAMES_REMEMBERED] = stamp_ns;
  stream->window_sent += in_window && (last || !stream->script);
  load->totals.sent++;
  return true;
}

static void next_packet(struct stream *stream) {
  const struct stream_format *format = &stream->format;
  if (++stream->packet_in_frame < packets_in_frame(stream))
    return;
  stream->packet_in_frame = 0;
  stream->frame++;
  stream->picture_id++;
  stream->timestamp += format->ticks_per_frame;
  stream->frame_at_ns += format->frame_ns;
  if (stream->keyframe_wanted) {
    stream->keyframe_wanted = false;
    int every = stream->script ? stream->script->frame_count : format->keyframe_every;
    stream->frame += (every - stream->frame % every) % every;
  }
}

/* A closed port of the server (told of an earlier packet, in place of sending this one) is the
 * server's doing: its receivers miss what is sent there. Every other failure is the client's. */
static void flush(struct load *load, int peer, struct outgoing *batch, int count) {
  struct mmsghdr messages[BATCH] = {0};
  struct iovec parts[BATCH];
  for (int i = 0; i < count; i++) {
    parts[i] = (struct iovec){batch[i].bytes, batch[i].length};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  for (int done = 0; done < count;) {
    int sent = sendmmsg(load->peers[peer]->fd, messages + done, count - done, 0);
    if (sent <= 0 && errno != ECONNREFUSED)
      load->totals.send_failed++;
    done += sent > 0 ? sent : 1;
  }
}

/* All streams keep to one grid, whenever they begin: how their frames fall together is every server's
 * alike. It decides how often a server is woken, and with that a quarter of what it costs. */
static int64_t first_frame_at(const struct load *load, const struct stream_format *format,
                              int64_t now_ns) {
  int64_t first_ns = load->began_ns + format->phase_ns;
  if (now_ns <= first_ns)
    return first_ns;
  int64_t passed = (now_ns - first_ns + format->frame_ns - 1) / format->frame_ns;
  return first_ns + passed * format->frame_ns;
}

void send_due(struct load *load, int64_t now_ns) {
  static _Thread_local struct outgoing batch[BATCH];
  for (int id = 0; id < load->stream_count; id++) {
    struct stream *stream = load->streams[id];
    if (!stream->sending || !load->peers[stream->peer]->tx)
      continue;
    if (!stream->frame_at_ns)
      stream->frame_at_ns = first_frame_at(load, &stream->format, now_ns);
    int count = 0;
    while (count < BATCH &&
           stream->frame_at_ns + stream->packet_in_frame * stream->format.packet_gap_ns <= now_ns) {
      if (build(load, stream, id, &batch[count]))
        count++;
      next_packet(stream);
    }
    flush(load, stream->peer, batch, count);
  }
}
