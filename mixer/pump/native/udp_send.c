/* See udp_send.h. */
#include "udp_send.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SEGMENTS_MAX 64      /* the kernel's UDP_MAX_SEGMENTS; newer ones take 128 */
/* Refused this often in a row, with no success between: the kernel or the card cannot do it. */
#define GSO_REFUSALS_MAX 64
#define MESSAGE_BYTES 65000  /* a UDP datagram before it is cut up: below 65,507 */

bool udp_send(const struct udp_socket *udp, const struct address *to, const struct address *local,
              const uint8_t *data, uint32_t length) {
  struct sockaddr_storage name;
  alignas(8) uint8_t control[LOCAL_CONTROL_BYTES];
  socklen_t name_length = address_to_socket(to, udp->family, &name);
  if (!name_length || udp->fd < 0) return false;
  struct iovec vector = {(uint8_t *)data, length};
  struct msghdr header = {.msg_name = &name,
                          .msg_namelen = name_length,
                          .msg_iov = &vector,
                          .msg_iovlen = 1,
                          .msg_control = control};
  header.msg_controllen = address_to_control(local, udp->family, (struct cmsghdr *)control);
  return sendmsg(udp->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}

static struct msghdr *header_of(struct send_batch *batch, uint32_t index) {
  return &batch->headers[index].msg_hdr;
}

/* After what the control says already. */
static void ask_to_segment(struct msghdr *header, uint16_t segment_bytes) {
  struct cmsghdr *part =
      (struct cmsghdr *)((uint8_t *)header->msg_control + header->msg_controllen);
  header->msg_controllen += CMSG_SPACE(sizeof segment_bytes);
  part->cmsg_level = IPPROTO_UDP;
  part->cmsg_type = UDP_SEGMENT;
  part->cmsg_len = CMSG_LEN(sizeof segment_bytes);
  memcpy(CMSG_DATA(part), &segment_bytes, sizeof segment_bytes);
}

/* Makes a message of the run that begins at `packet`; returns the packet after it. */
static uint16_t add_run(struct send_batch *batch, const struct udp_socket *udp,
                        struct outbox *outbox, uint16_t packet, const struct address *local,
                        const struct sockaddr_storage *name, socklen_t name_length) {
  struct send_message *message = &batch->messages[batch->count];
  struct msghdr *header = header_of(batch, batch->count);
  uint16_t segment_bytes = outbox->packets[packet].length, last_bytes = segment_bytes;
  uint32_t run_max = udp->gso ? SEGMENTS_MAX : 1;
  *message = (struct send_message){.first = packet};
  *header = (struct msghdr){.msg_name = &batch->names[batch->count],
                            .msg_namelen = name_length,
                            .msg_iov = &batch->vectors[batch->vector_count],
                            .msg_control = batch->control[batch->count]};
  batch->names[batch->count] = *name;
  while (packet != OUTBOX_NONE && message->packets < run_max &&
         batch->vector_count < SEND_VECTORS) {
    struct out_packet *out = &outbox->packets[packet];
    bool fits = last_bytes == segment_bytes && out->length <= segment_bytes &&
                message->bytes + out->length <= MESSAGE_BYTES;
    if (!fits) break;
    batch->vectors[batch->vector_count++] = (struct iovec){out->bytes, out->length};
    message->bytes += out->length;
    message->packets++;
    last_bytes = out->length;
    packet = out->next;
  }
  header->msg_iovlen = message->packets;
  header->msg_controllen =
      address_to_control(local, udp->family, (struct cmsghdr *)header->msg_control);
  message->local_control_bytes = (uint16_t)header->msg_controllen;
  if (message->packets > 1) ask_to_segment(header, segment_bytes);
  batch->count++;
  return packet;
}

void send_batch_add(struct send_batch *batch, struct udp_socket *udp, struct outbox *outbox,
                    const struct destination *destination, struct send_totals *totals) {
  struct sockaddr_storage name;
  socklen_t name_length = address_to_socket(&destination->address, udp->family, &name);
  if (!name_length) {
    totals->dropped_error += destination->count;
    return;
  }
  for (uint16_t packet = destination->first; packet != OUTBOX_NONE;) {
    if (batch->count == SEND_MESSAGES || batch->vector_count == SEND_VECTORS)
      send_batch_flush(batch, udp, totals);
    packet = add_run(batch, udp, outbox, packet, &destination->local, &name, name_length);
  }
}

static void count_sent(struct udp_socket *udp, struct send_totals *totals,
                       const struct send_message *message) {
  totals->datagrams += message->packets;
  totals->bytes += message->bytes;
  if (message->packets == 1) return;
  totals->gso_messages++;
  udp->gso_refusals = 0;
}

static void count_failed(struct send_totals *totals, uint32_t packets, int error) {
  bool full = error == EAGAIN || error == ENOBUFS || error == ENOMEM;
  *(full ? &totals->dropped_full : &totals->dropped_error) += packets;
}

/* Where segmenting was refused: the same packets one by one. */
static void send_singly(struct send_batch *batch, const struct udp_socket *udp, uint32_t index,
                        struct send_totals *totals) {
  struct msghdr header = *header_of(batch, index);
  uint32_t packets = batch->messages[index].packets;
  header.msg_controllen = batch->messages[index].local_control_bytes;
  header.msg_iovlen = 1;
  for (uint32_t i = 0; i < packets; i++, header.msg_iov++) {
    ssize_t bytes = sendmsg(udp->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    totals->calls++;
    if (bytes < 0) {
      count_failed(totals, 1, errno);
      continue;
    }
    totals->datagrams++;
    totals->bytes += (uint64_t)bytes;
  }
}

/* The message that the kernel refused, and perhaps all segmenting with it. */
static void handle_refusal(struct send_batch *batch, struct udp_socket *udp, uint32_t index,
                           int error, struct send_totals *totals) {
  const struct send_message *message = &batch->messages[index];
  bool about_gso = error == EINVAL || error == EIO || error == EMSGSIZE || error == EOPNOTSUPP;
  if (message->packets == 1 || !about_gso) {
    count_failed(totals, message->packets, error);
    return;
  }
  uint64_t sent_before = totals->datagrams;
  send_singly(batch, udp, index, totals);
  /* One path with a small MTU, or one odd address, says nothing about the others. */
  if (totals->datagrams > sent_before && ++udp->gso_refusals == GSO_REFUSALS_MAX) udp->gso = false;
}

void send_batch_flush(struct send_batch *batch, struct udp_socket *udp,
                      struct send_totals *totals) {
  for (uint32_t done = 0; done < batch->count;) {
    int sent = sendmmsg(udp->fd, batch->headers + done, batch->count - done,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    int error = errno;
    totals->calls++;
    for (int i = 0; i < sent; i++) count_sent(udp, totals, &batch->messages[done + (uint32_t)i]);
    if (sent > 0) {
      done += (uint32_t)sent;
      continue;
    }
    if (error == EINTR) continue;
    handle_refusal(batch, udp, done++, error, totals);
  }
  batch->count = batch->vector_count = 0;
}
