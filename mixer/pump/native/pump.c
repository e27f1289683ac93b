/* Owns a pump's beginning and end; the loop between is loop.c's. See pump.h. */
#include "pump.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "calls_transports.h"
#include "loop.h"
#include "plain.h"
#include "udp_send.h"

/* Tries again with another number where the system chose one that TCP has no more. */
static int open_internet(struct pump *pump, const struct pump_ports *ports, uint64_t seed,
                         const char **failed) {
  enum { TRIES = 16 };
  int error = 0;
  for (int i = 0; i < TRIES; i++) {
    *failed = "its UDP port";
    error = udp_open(&pump->udp, ports->host, ports->port);
    if (error || ports->tcp_port == TCP_NONE) return error;
    *failed = "its TCP port";
    uint16_t number = ports->tcp_port ? (uint16_t)ports->tcp_port : pump->udp.port;
    error = tcp_open(&pump->tcp, ports->host, number, seed);
    if (error != EADDRINUSE || ports->port || ports->tcp_port) return error;
    udp_close(&pump->udp);
  }
  return error;
}

/* Gathers what is seldom readable behind one file. */
static int watch_rare(struct pump *pump) {
  const int rare[] = {pump->wake_fd, pump->plain_fd, pump->tcp.table.epoll_fd};
  struct epoll_event event = {.events = EPOLLIN};
  pump->rare_fd = epoll_create1(EPOLL_CLOEXEC);
  if (pump->rare_fd < 0) return errno;
  for (uint32_t i = 0; i < sizeof rare / sizeof *rare; i++)
    if (rare[i] >= 0 && epoll_ctl(pump->rare_fd, EPOLL_CTL_ADD, rare[i], &event) != 0) return errno;
  return 0;
}

static int open_all(struct pump *pump, const struct srtp_functions *srtp,
                    const struct pump_ports *ports, const char **failed) {
  uint64_t seed;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) return errno;
  pump->received = receive_batch_new();
  pump->sending = calloc(1, sizeof *pump->sending);
  if (!pump->received || !pump->sending) return ENOMEM;
  pump->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  pump->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  pump->plain_out_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (pump->wake_fd < 0 || pump->event_fd < 0 || pump->plain_out_fd < 0) return errno;
  int error = open_internet(pump, ports, seed, failed);
  if (error) return error;
  *failed = ports->plain_path;
  if (pump->plain_path[0]) {
    pump->plain_fd = plain_listen(pump->plain_path);
    if (pump->plain_fd < 0) return errno;
  }
  error = watch_rare(pump);
  if (error) return error;
  return core_init(&pump->core, srtp, seed) ? 0 : ENOMEM;
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void close_ports(struct pump *pump) {
  udp_close(&pump->udp);
  tcp_close(&pump->tcp);
  if (pump->plain_fd >= 0) unlink(pump->plain_path);
  close_fd(&pump->plain_fd);
  close_fd(&pump->plain_out_fd);
  for (struct transport *transport = pump->core.plain_transports; transport;
       transport = transport->next_plain)
    plain_link_disconnect(transport->plain);
}

static void close_all(struct pump *pump) {
  close_ports(pump);
  close_fd(&pump->rare_fd);
  close_fd(&pump->wake_fd);
  close_fd(&pump->event_fd);
  free(pump->received);
  free(pump->sending);
  free(pump);
}

struct pump *pump_new(const struct srtp_functions *srtp, const struct pump_ports *ports, int *error,
                      const char **failed) {
  struct pump *pump = calloc(1, sizeof *pump);
  *error = pump ? 0 : ENOMEM;
  *failed = ports->plain_path;
  if (pump && strlen(ports->plain_path) >= sizeof pump->plain_path) *error = ENAMETOOLONG;
  if (!pump || *error) {
    free(pump);
    return NULL;
  }
  strcpy(pump->plain_path, ports->plain_path);
  pump->tcp.listen_fd = pump->tcp.table.epoll_fd = -1;
  pump->udp.fd = pump->udp.patient_fd = pump->plain_fd = pump->plain_out_fd = pump->wake_fd = pump->rare_fd = pump->event_fd = -1;
  *error = open_all(pump, srtp, ports, failed);
  if (!*error) return pump;
  close_all(pump);
  return NULL;
}

void pump_free(struct pump *pump) {
  pump_stop(pump);
  core_remove_transports(&pump->core);
  core_free(&pump->core);
  close_all(pump);
}

int pump_start(struct pump *pump) {
  if (pump->is_running) return 0;
  sigset_t all, before;
  pump->is_stopping = false;
  sigfillset(&all); /* signals are Python's main thread's */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&pump->thread, NULL, pump_loop, pump);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error) return error;
  pthread_setname_np(pump->thread, "tongke-pump");
  pump->is_running = true;
  return 0;
}

void pump_stop(struct pump *pump) {
  if (pump->is_running) {
    pump->is_stopping = true;
    pump_wake(pump);
    pthread_join(pump->thread, NULL);
    pump->is_running = false;
  }
  pump_close_links(pump);
  close_ports(pump);
}

void pump_wake(struct pump *pump) { eventfd_write(pump->wake_fd, 1); }

uint32_t pump_drain(struct pump *pump, uint8_t *out, uint32_t room, uint32_t limit) {
  eventfd_t count;
  eventfd_read(pump->event_fd, &count);
  pthread_mutex_lock(&pump->core.mutex);
  uint32_t bytes = event_ring_take(&pump->core.events, out, room, limit);
  bool more = pump->core.events.waiting > 0;
  pump->core.events.is_signalled = more;
  pthread_mutex_unlock(&pump->core.mutex);
  if (more) eventfd_write(pump->event_fd, 1);
  return bytes;
}

static bool post(struct pump *pump, const struct address *to, const uint8_t *data,
                 uint32_t length) {
  if (pump->tcp.table.epoll_fd < 0 || !core_post(&pump->core, to, data, length)) return false;
  pump_wake(pump);
  return true;
}

bool pump_send_datagram(struct pump *pump, const struct address *to, const struct address *local,
                        const uint8_t *data, uint32_t length) {
  if (to->kind == ADDRESS_TCP) return post(pump, to, data, length);
  return udp_send(&pump->udp, to, local, data, length);
}

int pump_send_rtcp(struct pump *pump, int64_t transport_id, const uint8_t *data,
                   uint32_t length) {
  uint8_t out[DATAGRAM_MAX + SRTP_TRAILER_MAX + 8] __attribute__((aligned(8)));
  struct rtcp_target target = {0};
  int result = core_protect_rtcp(&pump->core, transport_id, data, length, out, &target);
  if (result <= 0) return result;
  if (address_is_remote(&target.to))
    return pump_send_datagram(pump, &target.to, &target.local, out, (uint32_t)result);
  return sendto(pump->plain_out_fd, out, (size_t)result, MSG_DONTWAIT | MSG_NOSIGNAL,
                (struct sockaddr *)&target.plain_name, target.plain_length) >= 0;
}
