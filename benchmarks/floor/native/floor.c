/* See floor.h. */
#include "floor.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { SEGMENTS_MAX = 64, MESSAGE_BYTES = 65000, MESSAGES = 128, STOP_POLL_MS = 100 };
static const int64_t COLLECT_NS = 1000000;

struct out {
  int length, next;
  uint8_t bytes[FLOOR_PACKET_BYTES];
};

struct floor_box {
  struct mmsghdr received[FLOOR_BATCH];
  struct iovec vectors[FLOOR_BATCH];
  struct sockaddr_in names[FLOOR_BATCH];
  uint8_t data[FLOOR_BATCH][2048];
  struct out out[FLOOR_OUT_MAX];
  int out_count;
  int destinations[FLOOR_PEERS_MAX];
  int destination_count;
  struct mmsghdr messages[MESSAGES];
  struct iovec parts[FLOOR_OUT_MAX];
  uint8_t control[MESSAGES][CMSG_SPACE(sizeof(uint16_t))];
  int message_count, part_count;
};

static int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct floor *floor_new(int fd, int control_fd, srtp_transform protect, srtp_transform unprotect) {
  struct floor *floor = calloc(1, sizeof *floor);
  struct floor_box *box = malloc(sizeof *box);
  if (!floor || !box) {
    free(floor);
    free(box);
    return NULL;
  }
  box->out_count = box->destination_count = box->message_count = box->part_count = 0;
  floor->fd = fd;
  floor->control_fd = control_fd;
  floor->protect = protect;
  floor->unprotect = unprotect;
  floor->box = box;
  pthread_mutex_init(&floor->mutex, NULL);
  return floor;
}

void floor_free(struct floor *floor) {
  floor_stop(floor);
  pthread_mutex_destroy(&floor->mutex);
  free(floor->box);
  free(floor);
}

int floor_add_peer(struct floor *floor, uint32_t address, uint16_t port, void *rx, void *tx) {
  int id = -1;
  pthread_mutex_lock(&floor->mutex);
  if (floor->peer_count < FLOOR_PEERS_MAX) {
    id = floor->peer_count++;
    floor->peers[id] = (struct floor_peer){
        .address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {address}},
        .rx = rx,
        .tx = tx,
        .first = -1,
        .last = -1,
    };
  }
  pthread_mutex_unlock(&floor->mutex);
  return id;
}

int floor_add_consumer(struct floor *floor, int publisher, int consumer) {
  if (publisher < 0 || publisher >= floor->peer_count || consumer < 0 ||
      consumer >= floor->peer_count)
    return -1;
  struct floor_peer *peer = &floor->peers[publisher];
  int result = -1;
  pthread_mutex_lock(&floor->mutex);
  if (peer->consumer_count < FLOOR_CONSUMERS_MAX) {
    peer->consumers[peer->consumer_count++] = consumer;
    result = 0;
  }
  pthread_mutex_unlock(&floor->mutex);
  return result;
}

static struct floor_peer *peer_at(struct floor *floor, const struct sockaddr_in *from) {
  for (int i = 0; i < floor->peer_count; i++) {
    struct floor_peer *peer = &floor->peers[i];
    if (peer->address.sin_port == from->sin_port &&
        peer->address.sin_addr.s_addr == from->sin_addr.s_addr)
      return peer;
  }
  return NULL;
}

static void tell_python(struct floor *floor, const struct sockaddr_in *from, const uint8_t *data,
                        int length) {
  uint8_t told[6 + 2048];
  memcpy(told, &from->sin_addr.s_addr, 4);
  memcpy(told + 4, &from->sin_port, 2);
  memcpy(told + 6, data, length);
  ssize_t ignored = send(floor->control_fd, told, 6 + length, MSG_DONTWAIT); /* they are repeated */
  (void)ignored;
}

static void forward(struct floor *floor, const struct floor_peer *from, const uint8_t *data,
                    int length) {
  struct floor_box *box = floor->box;
  for (int i = 0; i < from->consumer_count && box->out_count < FLOOR_OUT_MAX; i++) {
    int id = from->consumers[i], index = box->out_count;
    struct floor_peer *to = &floor->peers[id];
    struct out *out = &box->out[index];
    memcpy(out->bytes, data, length);
    out->length = length;
    out->next = -1;
    if (floor->protect(to->tx, out->bytes, &out->length))
      continue;
    box->out_count++;
    if (to->first < 0) {
      to->first = index;
      box->destinations[box->destination_count++] = id;
    } else {
      box->out[to->last].next = index;
    }
    to->last = index;
  }
}

static void take(struct floor *floor, const struct sockaddr_in *from, uint8_t *data, int length) {
  if (length < 2 || length > 1500)
    return;
  if (data[0] < 64) {
    tell_python(floor, from, data, length);
    return;
  }
  struct floor_peer *peer = peer_at(floor, from);
  bool is_rtcp = data[1] >= 192 && data[1] <= 223;
  if (peer && !is_rtcp && data[0] >> 6 == 2 && !floor->unprotect(peer->rx, data, &length))
    forward(floor, peer, data, length);
}

static int receive(struct floor *floor) {
  struct floor_box *box = floor->box;
  for (int i = 0; i < FLOOR_BATCH; i++) {
    box->vectors[i] = (struct iovec){box->data[i], sizeof box->data[i]};
    box->received[i].msg_hdr = (struct msghdr){.msg_name = &box->names[i],
                                               .msg_namelen = sizeof box->names[i],
                                               .msg_iov = &box->vectors[i],
                                               .msg_iovlen = 1};
  }
  int count = recvmmsg(floor->fd, box->received, FLOOR_BATCH, MSG_DONTWAIT, NULL);
  pthread_mutex_lock(&floor->mutex);
  for (int i = 0; i < count; i++)
    take(floor, &box->names[i], box->data[i], box->received[i].msg_len);
  pthread_mutex_unlock(&floor->mutex);
  return count;
}

static void send_messages(struct floor *floor) {
  struct floor_box *box = floor->box;
  for (int done = 0; done < box->message_count;) {
    int sent = sendmmsg(floor->fd, box->messages + done, box->message_count - done, MSG_DONTWAIT);
    done += sent > 0 ? sent : 1; /* one that was refused is lost, and shows as loss */
  }
  box->message_count = box->part_count = 0;
}

/* One message of the run of equal sizes that begins at `index`; returns the packet after it. */
static int add_run(struct floor_box *box, struct floor_peer *to, int index) {
  struct msghdr *header = &box->messages[box->message_count].msg_hdr;
  uint16_t size = box->out[index].length;
  int last = size, bytes = 0, packets = 0;
  *header = (struct msghdr){.msg_name = &to->address,
                            .msg_namelen = sizeof to->address,
                            .msg_iov = &box->parts[box->part_count]};
  while (index >= 0 && packets < SEGMENTS_MAX && last == size && box->out[index].length <= size &&
         bytes + box->out[index].length <= MESSAGE_BYTES) {
    struct out *out = &box->out[index];
    box->parts[box->part_count++] = (struct iovec){out->bytes, out->length};
    bytes += last = out->length;
    packets++;
    index = out->next;
  }
  header->msg_iovlen = packets;
  if (packets > 1) {
    header->msg_control = box->control[box->message_count];
    header->msg_controllen = sizeof box->control[0];
    struct cmsghdr *part = CMSG_FIRSTHDR(header);
    part->cmsg_level = IPPROTO_UDP;
    part->cmsg_type = UDP_SEGMENT;
    part->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(part), &size, sizeof size);
  }
  box->message_count++;
  return index;
}

static void send_all(struct floor *floor) {
  struct floor_box *box = floor->box;
  for (int i = 0; i < box->destination_count; i++) {
    struct floor_peer *to = &floor->peers[box->destinations[i]];
    for (int index = to->first; index >= 0;) {
      if (box->message_count == MESSAGES)
        send_messages(floor);
      index = add_run(box, to, index);
    }
    to->first = to->last = -1;
  }
  send_messages(floor);
  box->out_count = box->destination_count = 0;
}

static void *run(void *argument) {
  struct floor *floor = argument;
  int64_t last_ns = 0;
  prctl(PR_SET_TIMERSLACK, 20000);
  while (__atomic_load_n(&floor->running, __ATOMIC_RELAXED)) {
    struct pollfd polled = {.fd = floor->fd, .events = POLLIN};
    if (poll(&polled, 1, STOP_POLL_MS) <= 0)
      continue;
    int64_t left_ns = last_ns + COLLECT_NS - monotonic_ns();
    if (left_ns > COLLECT_NS / 10)
      nanosleep(&(struct timespec){0, left_ns}, NULL);
    last_ns = monotonic_ns();
    while (receive(floor) == FLOOR_BATCH)
      send_all(floor);
    send_all(floor);
  }
  return NULL;
}

int floor_start(struct floor *floor) {
  floor->running = true;
  if (pthread_create(&floor->thread, NULL, run, floor) == 0) {
    pthread_setname_np(floor->thread, "floor");
    return 0;
  }
  floor->running = false;
  return -1;
}

void floor_stop(struct floor *floor) {
  if (!floor->running)
    return;
  __atomic_store_n(&floor->running, false, __ATOMIC_RELAXED);
  pthread_join(floor->thread, NULL);
}
