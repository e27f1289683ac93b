/* Owns the thread, its 1 ms tick and its priority, peers and their sockets. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Half a second of 30 streams: the client must never be what loses a packet. */
static const int SOCKET_BYTES = 8 << 20;

/* Browsers do not run on the server: the client is not to wait for a CPU behind the server under
 * test, or its own lateness would be measured. Where this is not allowed it goes on without.
 * Niceness does while cores are free; with real-time priority, the lowest there is, the client
 * comes before every ordinary thread also when the server wants all cores. */
static const int NICENESS = -10, REAL_TIME_PRIORITY = 1;

int64_t clock_ns(int clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct load *load_new(struct srtp_functions srtp) {
  struct load *load = calloc(1, sizeof *load);
  if (!load)
    return NULL;
  load->srtp = srtp;
  load->received = calloc(PEERS_MAX, sizeof *load->received);
  load->delays = calloc(DELAY_BUCKETS, sizeof *load->delays);
  load->waiting = calloc(WAITING_MAX, sizeof *load->waiting);
  /* Python holds it for moments, at its ordinary priority; while the thread waits, at the thread's. */
  pthread_mutexattr_t inheriting;
  pthread_mutexattr_init(&inheriting);
  pthread_mutexattr_setprotocol(&inheriting, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&load->mutex, &inheriting);
  pthread_mutexattr_destroy(&inheriting);
  if (!load->received || !load->delays || !load->waiting) {
    load_free(load);
    return NULL;
  }
  return load;
}

void script_free(struct script *script) {
  if (!script)
    return;
  free(script->first_packet);
  free(script->offset);
  free(script->bytes);
  free(script);
}

void load_free(struct load *load) {
  load_stop(load);
  for (int i = 0; i < load->peer_count; i++) {
    close(load->peers[i]->fd);
    feedback_free(&load->peers[i]->feedback);
    free(load->peers[i]);
  }
  for (int i = 0; i < load->stream_count; i++) {
    script_free(load->streams[i]->script);
    free(load->streams[i]);
  }
  pthread_mutex_destroy(&load->mutex);
  free(load->received);
  free(load->delays);
  free(load->waiting);
  free(load);
}

/* Sleeping to absolute ticks, not waiting for sockets: a packet that arrives wakes nobody, so its
 * sender does not pay for us. */
static void *run(void *argument) {
  struct load *load = argument;
  setpriority(PRIO_PROCESS, 0, NICENESS); /* on Linux: of this thread alone */
  int64_t tick_ns = load->began_ns = clock_ns(CLOCK_MONOTONIC);
  while (__atomic_load_n(&load->running, __ATOMIC_RELAXED)) {
    tick_ns += TICK_NS;
    struct timespec until = {tick_ns / 1000000000, tick_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
      ;
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    pthread_mutex_lock(&load->mutex);
    if (now_ns - tick_ns > 5 * TICK_NS) {
      load->totals.late_ticks++;
      tick_ns = now_ns;
    }
    send_due(load, now_ns);
    receive_all(load);
    send_feedback(load, now_ns);
    pthread_mutex_unlock(&load->mutex);
  }
  return NULL;
}

/* A real-time thread wakes where it slept, and puts off whoever runs there, though other cores be
 * free: on all of them a server of one or two threads loses every core's beginning of a tick. So
 * it has right of way on half of the cores alone. */
static bool give_right_of_way(pthread_t thread) {
  cpu_set_t allowed, half;
  if (pthread_getaffinity_np(thread, sizeof allowed, &allowed))
    return false;
  CPU_ZERO(&half);
  int wanted = (CPU_COUNT(&allowed) + 1) / 2;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && wanted; cpu--)
    if (CPU_ISSET(cpu, &allowed)) {
      CPU_SET(cpu, &half);
      wanted--;
    }
  struct sched_param priority = {.sched_priority = REAL_TIME_PRIORITY};
  if (pthread_setschedparam(thread, SCHED_FIFO, &priority))
    return false;
  return !pthread_setaffinity_np(thread, sizeof half, &half);
}

int load_start(struct load *load, bool real_time) {
  if (load->running)
    return 0;
  load->running = true;
  if (pthread_create(&load->thread, NULL, run, load)) {
    load->running = false;
    return -1;
  }
  pthread_setname_np(load->thread, "tongke-load");
  load->real_time = real_time && give_right_of_way(load->thread);
  return 0;
}

void load_stop(struct load *load) {
  if (!load->running)
    return;
  __atomic_store_n(&load->running, false, __ATOMIC_RELAXED);
  pthread_join(load->thread, NULL);
}

static int connected_socket(const char *host, int port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
    return -1;
  int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  int yes = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &SOCKET_BYTES, sizeof SOCKET_BYTES))
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &SOCKET_BYTES, sizeof SOCKET_BYTES);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &SOCKET_BYTES, sizeof SOCKET_BYTES);
  /* The kernel says when a packet arrived: the tick adds nothing to the delay. */
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &yes, sizeof yes);
  const struct sockaddr *address = is_v4 ? (void *)&v4 : (void *)&v6;
  if (connect(fd, address, is_v4 ? sizeof v4 : sizeof v6)) {
    close(fd);
    return -1;
  }
  return fd;
}

int load_add_peer(struct load *load, const char *host, int port) {
  if (load->peer_count == PEERS_MAX)
    return -1;
  int fd = connected_socket(host, port);
  if (fd < 0)
    return -1;
  struct peer *peer = calloc(1, sizeof *peer);
  if (!peer || !feedback_reserve(&peer->feedback)) {
    close(fd);
    free(peer);
    return -1;
  }
  peer->fd = fd;
  pthread_mutex_lock(&load->mutex);
  load->peers[load->peer_count] = peer;
  int id = load->peer_count++;
  pthread_mutex_unlock(&load->mutex);
  return id;
}

int load_send(struct load *load, int peer, const uint8_t *data, int length) {
  return send(load->peers[peer]->fd, data, length, 0) == length ? 0 : -1;
}

int send_protected(struct load *load, struct peer *peer, uint8_t *packet, int length) {
  if (!peer->tx || load->srtp.protect_rtcp(peer->tx, packet, &length))
    return -1;
  return send(peer->fd, packet, length, 0) == length ? 0 : -1;
}

int load_send_rtcp(struct load *load, int peer, const uint8_t *data, int length) {
  uint8_t packet[DATAGRAM_MAX + SRTP_SPACE];
  if (length > DATAGRAM_MAX)
    return -1;
  memcpy(packet, data, length);
  pthread_mutex_lock(&load->mutex);
  int result = send_protected(load, load->peers[peer], packet, length);
  pthread_mutex_unlock(&load->mutex);
  return result;
}
