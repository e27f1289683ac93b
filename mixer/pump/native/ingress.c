/* See ingress.h. */
#include "ingress.h"

#include "bytes.h"
#include "core.h"
#include "encoding.h"
#include "notices.h"
#include "report_reader.h"
#include "retransmit.h"
#include "rtcp.h"

static void refuse(struct core *core, struct transport *transport, int counter) {
  core_count(core, counter);
  transport->counters[TRANSPORT_packets_refused]++;
}

/* Undoes SRTP in place. 0: dropped. */
static uint32_t unprotect(struct core *core, struct transport *transport,
                          srtp_transform transform, uint8_t *data, uint32_t length) {
  if (transport->plain) return length;
  if (!transport->rx) {
    refuse(core, transport, COUNTER_drop_no_keys);
    return 0;
  }
  int plain_length = (int)length;
  int status = transform(transport->rx, data, &plain_length);
  if (status == SRTP_OK && plain_length > 0) return (uint32_t)plain_length;
  bool replay = status == SRTP_REPLAY_FAIL || status == SRTP_REPLAY_OLD;
  refuse(core, transport, replay ? COUNTER_drop_replay : COUNTER_drop_unprotect);
  return 0;
}

/* libsrtp keeps a context for every SSRC that proves authentic, so a new one is admitted before it
 * is looked at, or not at all. */
static bool admits_ssrc(struct core *core, struct transport *transport,
                        const struct ssrc_entry *entry) {
  if (entry || transport->admission.unknown_ssrcs < UNKNOWN_SSRCS_MAX) return true;
  refuse(core, transport, COUNTER_drop_ssrc_cap);
  return false;
}

static struct ssrc_entry *note_unknown(struct transport *transport, uint32_t ssrc,
                                       enum ssrc_role role) {
  struct ssrc_entry *entry = ssrc_table_put(&transport->incoming, ssrc, role, NULL);
  if (entry) transport->admission.unknown_ssrcs++;
  return entry;
}

/* A media SSRC that Python has not named: told once, and once more when it first shows its MID or
 * RID (a sender may begin without them). */
static void receive_unknown(struct core *core, struct transport *transport,
                            struct ssrc_entry *entry, const struct rtp_packet *packet) {
  bool has_name = packet->mid.length || packet->rid.length || packet->repaired_rid.length;
  core_count(core, COUNTER_drop_unknown_ssrc);
  if (!entry) entry = note_unknown(transport, packet->ssrc, SSRC_REPORTER);
  if (!entry || entry->role == SSRC_UNKNOWN_MID || (entry->role == SSRC_UNKNOWN && !has_name))
    return;
  entry->role = has_name ? SSRC_UNKNOWN_MID : SSRC_UNKNOWN;
  tell_new_ssrc(core, transport, packet);
}

/* RFC 4588 §4: the original's sequence number, then its payload. Without one it is padding, sent
 * to probe the line. */
static void receive_rtx(struct core *core, struct encoding *encoding, struct rtp_packet *packet,
                        int64_t arrival_ns, int64_t now) {
  if (packet->payload_type != encoding->rtx_payload_type) {
    core_count(core, COUNTER_drop_payload_type);
    return;
  }
  if (packet->payload_length < 2) {
    core_count(core, COUNTER_padding_packets);
    return;
  }
  packet->sequence = read_u16(packet->payload);
  packet->payload += 2;
  packet->payload_length = (uint16_t)(packet->payload_length - 2);
  encoding_receive(core, encoding, packet, true, arrival_ns, now);
}

static void receive_rtp(struct core *core, struct transport *transport, uint8_t *data,
                        uint32_t length, int64_t arrival_ns, int64_t now) {
  struct rtp_packet packet;
  uint32_t bytes_on_wire = length;
  struct ssrc_entry *entry = ssrc_table_find(&transport->incoming, read_u32(data + 8));
  if (!admits_ssrc(core, transport, entry)) return;
  length = unprotect(core, transport, core->srtp.unprotect, data, length);
  if (!length) return;
  if (!rtp_read(data, length, &transport->extensions, &packet)) {
    refuse(core, transport, COUNTER_drop_malformed_rtp);
    return;
  }
  transport->counters[TRANSPORT_packets_received]++;
  transport->counters[TRANSPORT_bytes_received] += bytes_on_wire;
  transport->counters[TRANSPORT_last_received_ns] = (uint64_t)arrival_ns;
  if (packet.has_transport_sequence)
    reports_note_arrival(core, transport, packet.transport_sequence, arrival_ns, now);
  if (!entry || !entry->stream) {
    receive_unknown(core, transport, entry, &packet);
    return;
  }
  struct encoding *encoding = entry->stream;
  if (entry->role == SSRC_RTX)
    receive_rtx(core, encoding, &packet, arrival_ns, now);
  else if (packet.payload_type == encoding->payload_type)
    encoding_receive(core, encoding, &packet, false, arrival_ns, now);
  else
    core_count(core, COUNTER_drop_payload_type);
}

static void take_report(struct core *core, struct transport *transport,
                        const struct rtcp_part *part, int64_t arrival_ns, int64_t now) {
  struct sender_report report;
  if (!rtcp_read_sender_report(part, &report)) return;
  const struct ssrc_entry *entry = ssrc_table_find(&transport->incoming, report.ssrc);
  if (entry && entry->role == SSRC_MEDIA)
    encoding_take_report(core, entry->stream, report.ntp, report.rtp_timestamp, arrival_ns, now);
}

static void take_nack(struct core *core, struct transport *transport,
                      const struct rtcp_part *part, int64_t now) {
  const struct ssrc_entry *entry =
      ssrc_table_find(&transport->outgoing, read_u32(part->data + 8));
  if (!entry || entry->role != SSRC_MEDIA) return;
  for (uint32_t at = 12; at + 4 <= part->length; at += 4)
    consumer_answer_nack(core, entry->stream, read_u16(part->data + at),
                         read_u16(part->data + at + 2), now);
}

/* True when nothing of the part is left for Python. */
static bool take_part(struct core *core, struct transport *transport,
                      const struct rtcp_part *part, int64_t arrival_ns, int64_t now) {
  switch (part->type) {
    case RTCP_SR:
    case RTCP_RR:
      take_report(core, transport, part, arrival_ns, now);
      reports_take(core, transport, part, arrival_ns);
      return true;
    case RTCP_SDES:
    case RTCP_XR:
      return true;
    case RTCP_RTPFB:
      if (rtcp_is_nack(part))
        take_nack(core, transport, part, now);
      else if (rtcp_is_transport_feedback(part))
        lines_take_feedback(core, transport, part, now);
      else
        return false;
      return true;
    default:
      return false;
  }
}

static void receive_rtcp(struct core *core, struct transport *transport, uint8_t *data,
                         uint32_t length, int64_t arrival_ns, int64_t now) {
  uint32_t at = 0, ssrc = read_u32(data + 4);
  struct rtcp_part part;
  bool malformed = false, all_taken = true;
  const struct ssrc_entry *entry = ssrc_table_find(&transport->incoming, ssrc);
  if (!admits_ssrc(core, transport, entry)) return;
  length = unprotect(core, transport, core->srtp.unprotect_rtcp, data, length);
  if (!length) return;
  if (!rtcp_is_well_formed(data, length)) {
    refuse(core, transport, COUNTER_drop_malformed_rtcp);
    return;
  }
  if (!entry) note_unknown(transport, ssrc, SSRC_REPORTER);
  transport->counters[TRANSPORT_rtcp_received]++;
  transport->counters[TRANSPORT_last_received_ns] = (uint64_t)arrival_ns;
  while (rtcp_next(data, length, &at, &part, &malformed))
    if (!take_part(core, transport, &part, arrival_ns, now)) all_taken = false;
  if (all_taken) return;
  if (limiter_admits_rtcp(&transport->admission.rtcp, now))
    tell_rtcp(core, transport, data, length, arrival_ns);
  else
    core_count(core, COUNTER_drop_rate_limited);
}

static void receive_signal(struct core *core, struct transport *transport,
                           const struct address *from, const struct address *to,
                           const uint8_t *data, uint32_t length, int64_t arrival_ns, int64_t now) {
  bool admitted = transport ? limiter_admits_peer(&transport->admission.datagrams, now)
                            : limiter_admits_stranger(&core->limiter, from, now);
  if (admitted)
    tell_datagram(core, transport, from, to, data, length, arrival_ns);
  else
    core_count(core, COUNTER_drop_rate_limited);
}

static void receive_media(struct core *core, struct transport *transport, uint8_t *data,
                          uint32_t length, int64_t arrival_ns, int64_t now) {
  if (!transport)
    core_count(core, COUNTER_drop_unknown_source);
  else if (length < 2)
    refuse(core, transport, COUNTER_drop_malformed_rtp);
  else if (looks_like_rtcp(data) && length >= 8)
    receive_rtcp(core, transport, data, length, arrival_ns, now);
  else if (looks_like_rtcp(data))
    refuse(core, transport, COUNTER_drop_malformed_rtcp);
  else if (length < RTP_HEADER_BYTES)
    refuse(core, transport, COUNTER_drop_malformed_rtp);
  else
    receive_rtp(core, transport, data, length, arrival_ns, now);
}

void core_receive(struct core *core, const struct address *from, const struct address *to,
                  uint8_t *data, uint32_t length, int64_t arrival_ns, int64_t now) {
  core_count(core, COUNTER_received_datagrams);
  core->counters[COUNTER_received_bytes] += length;
  if (length > DATAGRAM_MAX) {
    core_count(core, COUNTER_drop_oversized);
    return;
  }
  uint8_t first = length ? data[0] : 255;
  bool is_media = first >= 128 && first <= 191;
  bool is_signal = first <= 3 || (first >= 20 && first <= 63);
  struct transport *transport = address_table_find(&core->remotes, from);
  if (is_media)
    receive_media(core, transport, data, length, arrival_ns, now);
  else if (is_signal && address_is_remote(from))
    receive_signal(core, transport, from, to, data, length, arrival_ns, now);
  else
    core_count(core, COUNTER_drop_unknown_protocol);
}
