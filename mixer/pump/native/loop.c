/* See loop.h. */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdalign.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls_transports.h"
#include "ingress.h"
#include "plain.h"
#include "pump.h"
#include "tcp_send.h"
#include "tick.h"
#include "udp_send.h"

/* A burst is on its way for some 0.2 ms. Rounds that have much to do come more seldom, up to a
 * millisecond apart: three quarters of a thread at most, and what a round costs by itself does not
 * matter. */
#define COLLECT_LEAST_NS (2 * MILLISECOND_NS / 10)
#define COLLECT_MOST_NS MILLISECOND_NS
#define COLLECT_PER_BUSY 3
#define SLEEP_LEAST_NS (MILLISECOND_NS / 10) /* shorter sleeps cost more than they gather */
/* How long feedback may wait for media: a little longer than between two pictures. With more media
 * it is still not read in every round: a look at an empty socket costs as much as a packet. */
#define FEEDBACK_WAIT_NS (35 * MILLISECOND_NS)
#define FEEDBACK_SPACING_NS (20 * MILLISECOND_NS)
/* Batches taken in one go before time's work is looked at again. */
#define BATCHES_IN_A_ROW 8
/* Of what Python sends by TCP, taken at once: ten datagrams. */
#define POSTED_BYTES (16 * 1024)
/* The shortest turn that the kernel grants, and with it the soonest. */
#define TURN_NS (MILLISECOND_NS / 10)
/* While a local reader's backlog waits, it is offered more this often. */
#define DRAIN_TICK_NS MILLISECOND_NS

static void count_totals(struct core *core, const struct send_totals *totals) {
  core->counters[COUNTER_sent_datagrams] += totals->datagrams;
  core->counters[COUNTER_sent_bytes] += totals->bytes;
  core->counters[COUNTER_send_calls] += totals->calls;
  core->counters[COUNTER_gso_messages] += totals->gso_messages;
  core->counters[COUNTER_drop_socket_full] += totals->dropped_full;
  core->counters[COUNTER_drop_send_error] += totals->dropped_error;
}

static void send_plain(struct pump *pump, const struct destination *destination, int64_t now,
                       uint64_t *results) {
  struct plain_link *link = destination->plain;
  for (uint16_t i = destination->first; i != OUTBOX_NONE; i = pump->core.outbox->packets[i].next) {
    const struct out_packet *packet = &pump->core.outbox->packets[i];
    results[plain_link_send(link, packet->bytes, packet->length, now)]++;
  }
  if (link->backlog_used && !link->is_draining) {
    link->is_draining = true;
    link->next_draining = pump->draining;
    pump->draining = link;
  }
}

/* The packets in the outbox have been handed to the kernel: so long were they here. */
static void measure_delays(struct pump *pump, int64_t handed_over) {
  struct histogram *delays = &pump->core.measures[MEASURE_added_delay_ns];
  for (uint32_t i = 0; i < pump->waiting.count; i++) {
    int64_t delay_ns = handed_over - pump->waiting.entries[i].arrival_ns;
    histogram_add(delays, MEASURE_added_delay_ns, delay_ns > 0 ? (uint64_t)delay_ns : 0,
                  pump->waiting.entries[i].copies);
  }
  pump->waiting.count = 0;
}

/* Sends the outbox. Called without the mutex, and takes it only to count. */
static void flush(struct pump *pump, int64_t now) {
  struct outbox *outbox = pump->core.outbox;
  struct send_totals totals = {0};
  uint64_t plain[4] = {0};
  if (!outbox->packet_count) return;
  for (uint32_t i = 0; i < outbox->destination_count; i++) {
    const struct destination *destination = &outbox->destinations[i];
    if (destination->plain)
      send_plain(pump, destination, now, plain);
    else if (destination->address.kind == ADDRESS_TCP)
      tcp_send(&pump->tcp.table, outbox, destination, now, &totals);
    else
      send_batch_add(pump->sending, &pump->udp, outbox, destination, &totals);
  }
  send_batch_flush(pump->sending, &pump->udp, &totals);
  int64_t handed_over = monotonic_now();
  uint32_t packets = outbox->packet_count;
  outbox_clear(outbox);
  pthread_mutex_lock(&pump->core.mutex);
  measure_delays(pump, handed_over);
  histogram_add(&pump->core.measures[MEASURE_flush_datagrams], MEASURE_flush_datagrams, packets, 1);
  totals.datagrams += plain[PLAIN_SENT];
  count_totals(&pump->core, &totals);
  pump->core.counters[COUNTER_drop_plain_full] += plain[PLAIN_FULL];
  pump->core.counters[COUNTER_drop_plain_error] += plain[PLAIN_GONE];
  pthread_mutex_unlock(&pump->core.mutex);
}

static void drain_backlogs(struct pump *pump, int64_t now) {
  uint32_t sent = 0, dropped = 0, all_sent = 0, all_dropped = 0;
  uint64_t waiting = 0;
  if (!pump->draining && !pump->core.plain_backlog_bytes) return;
  for (struct plain_link **place = &pump->draining; *place;) {
    struct plain_link *link = *place;
    link->is_draining = plain_link_drain(link, &sent, &dropped, now);
    all_sent += sent;
    all_dropped += dropped;
    if (link->is_draining)
      place = &link->next_draining;
    else
      *place = link->next_draining;
  }
  for (const struct plain_link *link = pump->draining; link; link = link->next_draining)
    waiting += link->backlog_used;
  pthread_mutex_lock(&pump->core.mutex);
  pump->core.plain_backlog_bytes = waiting;
  pump->core.counters[COUNTER_sent_datagrams] += all_sent;
  pump->core.counters[COUNTER_drop_plain_error] += all_dropped;
  pthread_mutex_unlock(&pump->core.mutex);
}

void pump_close_links(struct pump *pump) {
  struct plain_link *link = core_take_closing(&pump->core);
  while (link) {
    struct plain_link *next = link->next_closing;
    for (struct plain_link **place = &pump->draining; *place; place = &(*place)->next_draining) {
      if (*place != link) continue;
      *place = link->next_draining;
      break;
    }
    plain_link_free(link);
    link = next;
  }
}

/* Notes what one datagram became, to be measured when it is sent. */
static void note_copies(struct waiting_copies *waiting, int64_t arrival_ns, uint64_t copies) {
  if (!copies || waiting->count == OUTBOX_PACKETS) return;
  waiting->entries[waiting->count].arrival_ns = arrival_ns;
  waiting->entries[waiting->count++].copies = (uint32_t)copies;
}

/* Lets the core work through a batch; the mutex is let go for every flush in between. */
static void work_through(struct pump *pump, const struct receive_batch *batch, int64_t now) {
  struct core *core = &pump->core;
  pthread_mutex_lock(&core->mutex);
  core_count(core, COUNTER_received_batches);
  histogram_add(&core->measures[MEASURE_batch_datagrams], MEASURE_batch_datagrams, batch->count, 1);
  for (uint32_t i = 0; i < batch->count; i++) {
    const struct received *datagram = &batch->datagrams[i];
    if (outbox_room(core->outbox) <= CONSUMERS_PER_PRODUCER) {
      pthread_mutex_unlock(&core->mutex);
      flush(pump, now);
      pthread_mutex_lock(&core->mutex);
    }
    uint64_t before = core->counters[COUNTER_forwarded_packets];
    core_receive(core, &datagram->from, &datagram->to, datagram->data, datagram->length,
                 datagram->arrival_ns, now);
    note_copies(&pump->waiting, datagram->arrival_ns,
                core->counters[COUNTER_forwarded_packets] - before);
  }
  pthread_mutex_unlock(&core->mutex);
}

/* Whether anything came. */
static bool receive(struct pump *pump, int fd) {
  uint32_t batches = 0;
  bool came = false;
  if (fd < 0) return false;
  do {
    int64_t now = monotonic_now();
    receive_batch_take(pump->received, fd, now);
    if (pump->received->count) work_through(pump, pump->received, now);
    came |= pump->received->count > 0;
  } while (pump->received->count == RECEIVE_BATCH && ++batches < BATCHES_IN_A_ROW);
  return came;
}

static void deliver_tcp(void *pump, const struct receive_batch *batch) {
  work_through(pump, batch, monotonic_now());
}

/* What Python left to be sent by TCP. */
static void send_posted(struct pump *pump, int64_t now) {
  struct send_totals totals = {0};
  alignas(8) uint8_t room[POSTED_BYTES];
  uint32_t length;
  do {
    pthread_mutex_lock(&pump->core.mutex);
    count_totals(&pump->core, &totals);
    length = event_ring_take(&pump->core.posted, room, sizeof room, UINT32_MAX);
    pthread_mutex_unlock(&pump->core.mutex);
    totals = (struct send_totals){0};
    for (uint32_t at = 0; at < length;) {
      const struct event *event = (const struct event *)(room + at);
      tcp_send_one(&pump->tcp.table, &event->from, room + at + sizeof *event, event->data_length,
                   now, &totals);
      at += event->size;
    }
  } while (length);
}

static void count_tcp(struct core *core, struct tcp_table *table) {
  const struct tcp_totals totals = table->totals;
  pthread_mutex_lock(&core->mutex);
  core->tcp_connections = table->count;
  core->counters[COUNTER_tcp_accepted] += totals.accepted;
  core->counters[COUNTER_tcp_refused] += totals.refused;
  core->counters[COUNTER_tcp_expired] += totals.expired;
  core->counters[COUNTER_tcp_stalled] += totals.stalled;
  core->counters[COUNTER_drop_tcp_full] += totals.dropped_full;
  core->counters[COUNTER_drop_tcp_gone] += totals.dropped_gone;
  pthread_mutex_unlock(&core->mutex);
  table->totals = (struct tcp_totals){0};
}

static void work_tcp(struct pump *pump) {
  int64_t now = monotonic_now();
  if (pump->tcp.table.epoll_fd < 0) return;
  send_posted(pump, now);
  tcp_work(&pump->tcp, pump->received, now, deliver_tcp, pump);
  tcp_sweep(&pump->tcp, now);
}

static void signal_events(struct pump *pump) {
  pthread_mutex_lock(&pump->core.mutex);
  bool is_news = pump->core.events.waiting && !pump->core.events.is_signalled;
  if (is_news) pump->core.events.is_signalled = true;
  pthread_mutex_unlock(&pump->core.mutex);
  if (is_news) eventfd_write(pump->event_fd, 1);
}

/* What one round leaves to the next. */
struct rounds {
  int64_t tick_at;          /* when time makes something due */
  int64_t began_ns, busy_ns;
  int64_t feedback_read_ns;
  bool has_traffic;         /* then feedback is looked for soon, and need not wake us */
};

/* Lets packets gather since the last round, which took so long. */
static void collect(const struct rounds *rounds) {
  int64_t window = COLLECT_PER_BUSY * rounds->busy_ns;
  if (window < COLLECT_LEAST_NS) window = COLLECT_LEAST_NS;
  if (window > COLLECT_MOST_NS) window = COLLECT_MOST_NS;
  int64_t left = rounds->began_ns + window - monotonic_now();
  struct timespec time = {0, left};
  if (left >= SLEEP_LEAST_NS) nanosleep(&time, NULL);
}

/* Whether there is something beside the UDP port, which every round looks at. It is seldom, and each
 * file watched and each system call that finds nothing costs as much as a packet. */
struct ready {
  bool called; /* Python asked for a look at the core, or posted something */
  bool rare;   /* that, or local peers or peers by TCP have something */
};

static struct ready wait_for_work(struct pump *pump, bool is_patient, int64_t until) {
  struct pollfd polled[3] = {
      {.fd = pump->udp.fd, .events = POLLIN},
      {.fd = pump->rare_fd, .events = POLLIN},
      {.fd = pump->udp.patient_fd, .events = POLLIN},
  };
  int64_t left = until - monotonic_now();
  if (left < 0) left = 0;
  struct timespec timeout = {left / SECOND_NS, left % SECOND_NS};
  eventfd_t count;
  bool is_any = ppoll(polled, is_patient ? 2 : 3, &timeout, NULL) > 0;
  if (!is_any || !polled[1].revents) return (struct ready){0};
  return (struct ready){.called = eventfd_read(pump->wake_fd, &count) == 0, .rare = true};
}

static bool receive_all(struct pump *pump, struct rounds *rounds) {
  bool came = receive(pump, pump->udp.fd);
  if (rounds->has_traffic && rounds->began_ns - rounds->feedback_read_ns < FEEDBACK_SPACING_NS)
    return came;
  rounds->feedback_read_ns = rounds->began_ns;
  return receive(pump, pump->udp.patient_fd) || came;
}

static void work(struct pump *pump, struct ready ready, struct rounds *rounds) {
  bool has_tcp = pump->tcp.table.count || ready.rare;
  rounds->has_traffic = receive_all(pump, rounds);
  if (ready.rare) receive(pump, pump->plain_fd);
  if (has_tcp) work_tcp(pump);
  int64_t now = monotonic_now();
  pthread_mutex_lock(&pump->core.mutex);
  rounds->tick_at = core_tick(&pump->core, rounds->tick_at, now);
  pthread_mutex_unlock(&pump->core.mutex);
  flush(pump, now);
  if (has_tcp) count_tcp(&pump->core, &pump->tcp.table);
  drain_backlogs(pump, now);
  pump_close_links(pump);
  signal_events(pump);
}

static void count_round(struct pump *pump, int64_t busy_ns) {
  pthread_mutex_lock(&pump->core.mutex);
  pump->core.counters[COUNTER_wakes]++;
  pump->core.counters[COUNTER_busy_ns] += (uint64_t)busy_ns;
  histogram_add(&pump->core.measures[MEASURE_round_ns], MEASURE_round_ns, (uint64_t)busy_ns, 1);
  pthread_mutex_unlock(&pump->core.mutex);
}

/* When there is something to do at the latest. */
static int64_t look_again_at(const struct pump *pump, const struct rounds *rounds) {
  int64_t now = monotonic_now(), tick_at = rounds->tick_at;
  if (rounds->has_traffic && tick_at > now + FEEDBACK_WAIT_NS) tick_at = now + FEEDBACK_WAIT_NS;
  if (pump->tcp.table.count && tick_at > now + SECOND_NS) tick_at = now + SECOND_NS;
  if (pump->draining && tick_at > now + DRAIN_TICK_NS) tick_at = now + DRAIN_TICK_NS;
  return tick_at;
}

/* On a machine where others compute, a thread that asks for short turns has its own sooner than the
 * few milliseconds that an ordinary one waits (sched_setattr(2); Linux before 6.12 takes no
 * notice). Its share of the processor stays. */
static void ask_for_short_turns(void) {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } has = {0};
  if (syscall(SYS_sched_getattr, 0, &has, sizeof has, 0) || has.policy != SCHED_OTHER) return;
  has.runtime = TURN_NS;
  (void)syscall(SYS_sched_setattr, 0, &has, 0);
}

void *pump_loop(void *argument) {
  struct pump *pump = argument;
  struct rounds rounds = {0};
  ask_for_short_turns();
  prctl(PR_SET_TIMERSLACK, 20000); /* 20 µs: the collecting window is to be one */
  while (!pump->is_stopping) {
    int64_t until = look_again_at(pump, &rounds);
    struct ready ready = wait_for_work(pump, rounds.has_traffic, until);
    if (ready.called) rounds.tick_at = 0;
    collect(&rounds);
    rounds.began_ns = monotonic_now();
    work(pump, ready, &rounds);
    rounds.busy_ns = monotonic_now() - rounds.began_ns;
    count_round(pump, rounds.busy_ns);
  }
  return NULL;
}
