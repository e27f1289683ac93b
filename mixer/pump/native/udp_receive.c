/* See udp_receive.h. */
#include "udp_receive.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "clock.h"

/* A stamp further in the past than this is a clock that was set, not a late wake-up. */
#define STAMP_AGE_MAX_NS (50 * MILLISECOND_NS)

static struct address sender_of(const struct sockaddr_storage *name, socklen_t length) {
  if (name->ss_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path)) {
    const struct sockaddr_un *local = (const struct sockaddr_un *)name;
    size_t room = length - offsetof(struct sockaddr_un, sun_path);
    return address_of_path(local->sun_path, strnlen(local->sun_path, room));
  }
  if (name->ss_family == AF_UNIX || length == 0) return (struct address){.kind = ADDRESS_NONE};
  return address_of_socket((const struct sockaddr_in6 *)name);
}

/* The kernel stamps with the wall clock; `now_wall` tells how long ago that was. */
static int64_t arrival_of(struct msghdr *header, int64_t now, int64_t now_wall) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    int64_t age = now_wall - ((int64_t)stamp.tv_sec * SECOND_NS + stamp.tv_nsec);
    return age >= 0 && age <= STAMP_AGE_MAX_NS ? now - age : now;
  }
  return now;
}

/* Our address that the datagram came to. Only answers to STUN and DTLS need it (RFC 7983: a first
 * byte below 64): media goes back to where the last check came. */
static struct address local_of(struct msghdr *header, const uint8_t *data, uint32_t length) {
  struct address local = {.kind = ADDRESS_NONE};
  if (!length || data[0] >= 64) return local;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part))
    if (address_of_control(part, &local)) break;
  return local;
}

/* Makes the first `count` headers ready; the kernel wrote lengths and flags into those it used. */
static void prepare(struct receive_batch *batch, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    batch->vectors[i] = (struct iovec){batch->buffers[i], RECEIVE_BYTES};
    batch->headers[i].msg_hdr = (struct msghdr){
        .msg_name = &batch->names[i],
        .msg_namelen = sizeof batch->names[i],
        .msg_iov = &batch->vectors[i],
        .msg_iovlen = 1,
        .msg_control = batch->control[i],
        .msg_controllen = sizeof batch->control[i],
    };
  }
}

struct receive_batch *receive_batch_new(void) {
  struct receive_batch *batch = calloc(1, sizeof *batch);
  if (batch) prepare(batch, RECEIVE_BATCH);
  return batch;
}

void receive_batch_take(struct receive_batch *batch, int fd, int64_t now) {
  prepare(batch, batch->written);
  int count = recvmmsg(fd, batch->headers, RECEIVE_BATCH, MSG_DONTWAIT, NULL);
  int64_t now_wall = clock_ns(CLOCK_REALTIME);
  batch->count = batch->written = count > 0 ? (uint32_t)count : 0;
  for (uint32_t i = 0; i < batch->count; i++) {
    struct msghdr *header = &batch->headers[i].msg_hdr;
    batch->datagrams[i] = (struct received){
        .from = sender_of(&batch->names[i], header->msg_namelen),
        .to = local_of(header, batch->buffers[i], batch->headers[i].msg_len),
        .data = batch->buffers[i],
        .length = batch->headers[i].msg_len,
        .arrival_ns = arrival_of(header, now, now_wall),
    };
  }
}
