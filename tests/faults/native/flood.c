/* Sends junk to a UDP port at a steady rate from loopback addresses that nobody vouches for, and
 * counts what comes back.
 *
 * Owns: what a stranger may send (RTP, RTCP, STUN checks, ClientHellos, noise, nothing, too much),
 * and the rate. Leaves the meaning to the tests. Ends by itself after SECONDS, or with its input.
 *
 * Usage: flood PORT PACKETS_PER_SECOND SECONDS SOURCES
 * Prints: SENT SENT_BYTES REFUSED_BY_KERNEL REPLIES REPLY_BYTES LARGEST_REPLY SECONDS_TAKEN */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, SOURCES_MAX = 250, ROOM = 2048, TICK_NS = 1000000, TICKS_BEHIND = 5 };

static uint64_t state = 0x9e3779b97f4a7c15;

static uint32_t any(uint32_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

static void fill(uint8_t *at, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) at[i] = (uint8_t)any(256);
}

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* A well-formed check (RFC 8489) of a session that does not exist. */
static uint32_t make_check(uint8_t *out) {
  static const uint8_t head[] = {0, 1, 0, 44, 0x21, 0x12, 0xa4, 0x42};
  fill(out, 64);
  memcpy(out, head, sizeof head);
  memcpy(out + 20, "\0\6\0\15", 4); /* USERNAME of 13 bytes */
  for (int i = 24; i < 37; i++) out[i] = (uint8_t)('a' + any(26));
  out[32] = ':';
  memcpy(out + 40, "\0\10\0\24", 4); /* MESSAGE-INTEGRITY */
  return 64;
}

static uint32_t make(uint8_t *out) {
  uint32_t length;
  switch (any(10)) {
    case 0:
      return make_check(out);
    case 1: /* a DTLS handshake record */
      length = 150 + any(100);
      fill(out, length);
      memcpy(out, "\x16\xfe\xfd", 3);
      return length;
    case 2: /* SRTCP */
      length = 8 + any(120);
      fill(out, length);
      out[0] = 0x81;
      out[1] = (uint8_t)(200 + any(7));
      return length;
    case 3: /* noise, from nothing to more than a path carries */
      length = any(8) ? any(100) : any(ROOM);
      fill(out, length);
      return length;
    default: /* SRTP: of sound and of pictures */
      length = any(2) ? 80 + any(40) : 1100 + any(100);
      fill(out, 24);
      out[0] = (uint8_t)(any(4) ? 0x90 : 0x80 | any(64));
      out[1] = (uint8_t)(any(2) << 7 | (96 + any(20)));
      return length;
  }
}

static int open_source(uint32_t number, uint16_t port) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000002 + number)}};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port),
                           .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) ||
      connect(fd, (struct sockaddr *)&to, sizeof to)) {
    perror("flood");
    exit(1);
  }
  return fd;
}

static struct {
  uint64_t sent, bytes, refused, replies, reply_bytes, largest;
} totals;

static void send_batch(int fd, uint32_t count) {
  static uint8_t bytes[BATCH][ROOM];
  struct mmsghdr messages[BATCH] = {0};
  struct iovec parts[BATCH];
  for (uint32_t i = 0; i < count; i++) {
    parts[i] = (struct iovec){bytes[i], make(bytes[i])};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  int sent = sendmmsg(fd, messages, count, 0);
  if (sent < 0) sent = 0;
  totals.sent += (uint64_t)sent;
  totals.refused += count - (uint32_t)sent;
  for (int i = 0; i < sent; i++) totals.bytes += parts[i].iov_len;
}

static void take_replies(int fd) {
  uint8_t reply[ROOM];
  ssize_t length;
  while ((length = recv(fd, reply, sizeof reply, 0)) > 0) {
    totals.replies++;
    totals.reply_bytes += (uint64_t)length;
    if ((uint64_t)length > totals.largest) totals.largest = (uint64_t)length;
  }
}

static void wait_until(int64_t time_ns) {
  struct timespec time = {time_ns / 1000000000, time_ns % 1000000000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

int main(int count, char **arguments) {
  if (count != 5) return 2;
  uint16_t port = (uint16_t)atoi(arguments[1]);
  double per_tick = atof(arguments[2]) * TICK_NS / 1e9, owed = 0;
  int64_t ticks = (int64_t)(atof(arguments[3]) * 1e9) / TICK_NS;
  uint32_t sources = (uint32_t)atoi(arguments[4]);
  int fds[SOURCES_MAX];
  if (sources < 1 || sources > SOURCES_MAX) return 2;
  for (uint32_t i = 0; i < sources; i++) fds[i] = open_source(i, port);
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  int64_t began = now_ns(), next = began;
  for (int64_t tick = 0; tick < ticks; tick++) {
    wait_until(next += TICK_NS);
    /* A slow machine gets a lower rate, not a burst of what was missed. */
    if (now_ns() - next > TICKS_BEHIND * TICK_NS) next = now_ns();
    for (owed += per_tick; owed >= 1;) {
      uint32_t packets = owed < BATCH ? (uint32_t)owed : BATCH;
      send_batch(fds[any(sources)], packets);
      owed -= packets;
    }
    if (poll(&input, 1, 0) > 0) break; /* whoever started it wants it to end, or is gone */
  }
  double seconds = (double)(now_ns() - began) / 1e9;
  wait_until(now_ns() + 100 * TICK_NS);
  for (uint32_t i = 0; i < sources; i++) take_replies(fds[i]);
  printf("%llu %llu %llu %llu %llu %llu %.3f\n", (unsigned long long)totals.sent,
         (unsigned long long)totals.bytes, (unsigned long long)totals.refused,
         (unsigned long long)totals.replies, (unsigned long long)totals.reply_bytes,
         (unsigned long long)totals.largest, seconds);
  return 0;
}
