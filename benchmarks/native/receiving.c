/* Owns the packets that come in: media is unprotected, measured and counted; RTCP is read as far as
 * reports and keyframe requests; STUN and DTLS wait for Python. */
#include "load.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static uint16_t get16(const uint8_t *at) {
  return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static struct reception *reception_of(struct peer *peer, uint32_t ssrc, bool add) {
  for (int i = 0; i < peer->reception_count; i++)
    if (peer->receptions[i].ssrc == ssrc)
      return &peer->receptions[i];
  if (!add || peer->reception_count == RECEPTIONS_MAX)
    return NULL;
  struct reception *fresh = &peer->receptions[peer->reception_count++];
  *fresh = (struct reception){.ssrc = ssrc};
  return fresh;
}

static void count_reception(struct peer *peer, const uint8_t *packet) {
  struct reception *reception = reception_of(peer, get32(packet + 8), true);
  if (!reception)
    return;
  uint16_t sequence = get16(packet + 2);
  if (!reception->received++)
    reception->base = reception->highest = sequence;
  int16_t ahead = sequence - (uint16_t)reception->highest;
  if (ahead > 0)
    reception->highest += ahead;
}

/* Where the payload begins, and the transport-wide sequence number on the way (−1: none). */
static int read_header(const uint8_t *packet, int length, uint8_t transport_cc, int *sequence) {
  int at = 12 + 4 * (packet[0] & 0x0F);
  *sequence = -1;
  if (!(packet[0] & 0x10))
    return at;
  if (at + 4 > length)
    return length;
  bool one_byte = get16(packet + at) == 0xBEDE;
  int end = at + 4 + 4 * get16(packet + at + 2);
  at += 4;
  if (end > length)
    return length;
  for (int i = at; one_byte && i < end;) {
    int id = packet[i] >> 4, size = (packet[i] & 0x0F) + 1;
    if (id == 15)
      break;
    if (id == 0) {
      i++;
      continue;
    }
    if (id == transport_cc && size >= 2 && i + 2 < end)
      *sequence = get16(packet + i + 1);
    i += 1 + size;
  }
  return end;
}

static void count(struct load *load, int peer, uint32_t stream, int64_t sent_ns,
                  int64_t arrived_ns) {
  if (sent_ns < load->window_began_ns || sent_ns >= load->window_ended_ns)
    return;
  load->received[peer][stream]++;
  load->totals.delay_count++;
  int64_t bucket = (arrived_ns - sent_ns) / DELAY_BUCKET_NS;
  if (bucket < 0)
    bucket = 0;
  if (bucket >= DELAY_BUCKETS) {
    load->totals.delay_over++;
    bucket = DELAY_BUCKETS - 1;
  }
  load->delays[bucket]++;
}

static void measure(struct load *load, int peer, const uint8_t *payload_end, int64_t arrived_ns) {
  struct trailer trailer;
  memcpy(&trailer, payload_end - sizeof trailer, sizeof trailer);
  uint32_t stream = ntohl(trailer.stream);
  if (ntohl(trailer.magic) != TRAILER_MAGIC || stream >= (uint32_t)load->stream_count) {
    load->totals.broken++;
    return;
  }
  load->totals.received++;
  count(load, peer, stream, be64toh(trailer.sent_ns), arrived_ns);
}

/* What was decoded and encoded again keeps its timestamp, if the server wants it so. */
static void measure_frame(struct load *load, int peer, const uint8_t *packet, int64_t arrived_ns) {
  uint32_t timestamp = get32(packet + 4), id = timestamp >> SCRIPT_TIMESTAMP_BITS;
  load->totals.received++;
  if (id >= (uint32_t)load->stream_count || !load->streams[id]->script)
    return;
  const struct stream *stream = load->streams[id];
  bool last = packet[1] & 0x80 || !stream->format.video;
  uint32_t frame = (timestamp & ((1u << SCRIPT_TIMESTAMP_BITS) - 1)) / stream->format.ticks_per_frame;
  if (last && frame < stream->sent_frames)
    count(load, peer, id, stream->frame_sent_ns[frame % SCRIPT_FRAMES_REMEMBERED], arrived_ns);
}

static void take_media(struct load *load, int id, uint8_t *packet, int length, int64_t arrived_ns) {
  struct peer *peer = load->peers[id];
  if (load->srtp.unprotect(peer->rx, packet, &length) || length < 12) {
    load->totals.broken++;
    return;
  }
  int sequence;
  int payload = read_header(packet, length, peer->transport_cc, &sequence);
  if (peer->transport_cc && sequence >= 0)
    feedback_add(&peer->feedback, sequence, arrived_ns);
  uint8_t type = packet[1] & 0x7F;
  if (!(peer->accepted[type / 64] >> type % 64 & 1)) {
    load->totals.other_payloads++; /* repeats, probes */
    return;
  }
  count_reception(peer, packet);
  load->totals.window_packets += load->measuring;
  if (load->stream_count && load->streams[0]->script)
    measure_frame(load, id, packet, arrived_ns);
  else if (length - payload < (int)sizeof(struct trailer))
    load->totals.broken++;
  else
    measure(load, id, packet + length, arrived_ns);
}

static void ask_keyframe(struct load *load, int peer, uint32_t ssrc) {
  for (int i = 0; i < load->stream_count; i++)
    if (load->streams[i]->peer == peer && load->streams[i]->format.ssrc == ssrc) {
      load->streams[i]->keyframe_wanted = true;
      load->totals.keyframe_requests++;
    }
}

static void take_rtcp(struct load *load, int id, uint8_t *packet, int length, int64_t arrived_ns) {
  struct peer *peer = load->peers[id];
  if (load->srtp.unprotect_rtcp(peer->rx, packet, &length)) {
    load->totals.broken++;
    return;
  }
  for (int at = 0; at + 8 <= length;) {
    int size = 4 + 4 * get16(packet + at + 2), format = packet[at] & 0x1F;
    if (at + size > length)
      return;
    if (packet[at + 1] == 200 && size >= 28) { /* SR: the middle of its NTP time */
      struct reception *reception = reception_of(peer, get32(packet + at + 4), false);
      if (reception) {
        reception->last_sr = get32(packet + at + 10);
        reception->sr_arrived_ns = arrived_ns;
      }
    } else if (packet[at + 1] == 206 && format == 1 && size >= 12) { /* PLI */
      ask_keyframe(load, id, get32(packet + at + 8));
    } else if (packet[at + 1] == 206 && format == 4 && size >= 20) { /* FIR */
      ask_keyframe(load, id, get32(packet + at + 12));
    }
    at += size;
  }
}

static void keep_for_python(struct load *load, int peer, const uint8_t *data, int length) {
  if (load->waiting_count == WAITING_MAX) {
    load->totals.waiting_dropped++;
    return;
  }
  struct waiting *slot =
      &load->waiting[(load->waiting_head + load->waiting_count++) % WAITING_MAX];
  slot->peer = peer;
  slot->length = length;
  memcpy(slot->data, data, length);
}

static void take(struct load *load, int id, uint8_t *data, int length, int64_t arrived_ns) {
  struct peer *peer = load->peers[id];
  if (length < 2 || length > DATAGRAM_MAX)
    return;
  if (data[0] < 64) {
    keep_for_python(load, id, data, length);
  } else if (data[0] >= 128 && data[0] < 192 && peer->rx) {
    if (data[1] >= 192 && data[1] <= 223)
      take_rtcp(load, id, data, length, arrived_ns);
    else
      take_media(load, id, data, length, arrived_ns);
  }
}

/* The kernel's arrival time and drop count stand in the control message. */
static int64_t arrival_time(struct load *load, struct peer *peer, struct msghdr *header) {
  int64_t arrived_ns = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level != SOL_SOCKET)
      continue;
    if (c->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec stamp;
      memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      arrived_ns = stamp.tv_sec * 1000000000LL + stamp.tv_nsec;
    } else if (c->cmsg_type == SO_RXQ_OVFL) {
      uint32_t dropped;
      memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
      load->totals.kernel_drops += dropped - peer->kernel_drops; /* it counts on, modulo 2^32 */
      peer->kernel_drops = dropped;
    }
  }
  return arrived_ns ? arrived_ns : clock_ns(CLOCK_REALTIME);
}

void receive_all(struct load *load) {
  static _Thread_local uint8_t data[BATCH][2048];
  static _Thread_local uint8_t control[BATCH][128];
  for (int id = 0; id < load->peer_count; id++) {
    int count;
    do {
      struct mmsghdr messages[BATCH] = {0};
      struct iovec parts[BATCH];
      for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){data[i], sizeof data[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
                                              .msg_iovlen = 1,
                                              .msg_control = control[i],
                                              .msg_controllen = sizeof control[i]};
      }
      count = recvmmsg(load->peers[id]->fd, messages, BATCH, MSG_DONTWAIT, NULL);
      for (int i = 0; i < count; i++)
        take(load, id, data[i], messages[i].msg_len, arrival_time(load, load->peers[id], &messages[i].msg_hdr));
    } while (count == BATCH);
  }
}
