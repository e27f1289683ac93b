/* Owns a running pump: the core with its sockets and its thread. */
#ifndef TONGKE_PUMP_H
#define TONGKE_PUMP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core.h"
#include "tcp.h"
#include "udp.h"

/* Forwarded packets in the outbox, by the datagram they are copies of. Each entry has at least one
 * packet there, so that the outbox's bound is theirs too. */
struct waiting_copies {
  uint32_t count;
  struct {
    int64_t arrival_ns;
    uint32_t copies;
  } entries[OUTBOX_PACKETS];
};

struct pump {
  struct core core;
  struct udp_socket udp;
  struct tcp_port tcp; /* the thread's own */
  int plain_fd;      /* local peers' media comes in here; −1: none */
  int plain_out_fd;  /* RTCP that Python sends to local peers leaves here */
  char plain_path[108];
  int wake_fd;       /* eventfd: the thread is to look at the core again, or to stop */
  int rare_fd;       /* epoll: readable when anything is but the UDP port */
  int event_fd;      /* eventfd: readable while events wait */
  pthread_t thread;
  bool is_running;
  atomic_bool is_stopping;
  struct plain_link *draining; /* plain links with a backlog; the thread's own */
  struct receive_batch *received;
  struct send_batch *sending;
  struct waiting_copies waiting; /* to be sent; the thread's own */
};

#define TCP_NONE (-1)
struct pump_ports {
  const char *host;
  uint16_t port;          /* UDP; 0: the system chooses */
  int32_t tcp_port;       /* 0: the UDP port's number; TCP_NONE */
  const char *plain_path; /* empty: no local peers send to this pump */
};
/* NULL with `*error` an errno and `*failed` what could not be opened. */
struct pump *pump_new(const struct srtp_functions *srtp, const struct pump_ports *ports, int *error,
                      const char **failed);
void pump_free(struct pump *pump);
int pump_start(struct pump *pump); /* 0 or errno */
/* Ends the thread and gives up the ports, for good. */
void pump_stop(struct pump *pump);
/* Makes the thread look at the core at once: something was changed that time makes due. */
void pump_wake(struct pump *pump);
uint32_t pump_drain(struct pump *pump, uint8_t *out, uint32_t room, uint32_t limit);
/* STUN or DTLS, from any thread. `local`: our address to send it from, or NONE. */
bool pump_send_datagram(struct pump *pump, const struct address *to, const struct address *local,
                        const uint8_t *data, uint32_t length);
/* 1 sent, 0 not sent, or a refusal. */
int pump_send_rtcp(struct pump *pump, int64_t transport_id, const uint8_t *data, uint32_t length);

#endif
