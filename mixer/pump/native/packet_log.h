/* Owns a bounded log of (transport-wide sequence, time, bytes): what feedback and bandwidth
 * estimation are built from (draft-holmer-rmcat-transport-wide-cc-extensions-01). The oldest entry
 * gives way. Taken lazily: a transport without the extension has none. */
#ifndef TONGKE_PACKET_LOG_H
#define TONGKE_PACKET_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Two seconds at 1,000 packets/s: Python reads ten times a second or more often. */
#define PACKET_LOG_SIZE 2048

struct packet_log_entry {
  int64_t at_ns;
  uint32_t bytes;
  uint16_t sequence;
};

struct packet_log {
  struct packet_log_entry *entries;
  uint32_t start, count;
};

static inline bool packet_log_reserve(struct packet_log *log) {
  if (!log->entries) log->entries = malloc(PACKET_LOG_SIZE * sizeof *log->entries);
  return log->entries;
}

static inline void packet_log_free(struct packet_log *log) {
  free(log->entries);
  *log = (struct packet_log){0};
}

static inline void packet_log_add(struct packet_log *log, uint16_t sequence, int64_t at_ns,
                                  uint32_t bytes) {
  if (!log->entries) return;
  if (log->count == PACKET_LOG_SIZE) {
    log->start = (log->start + 1) % PACKET_LOG_SIZE;
    log->count--;
  }
  log->entries[(log->start + log->count++) % PACKET_LOG_SIZE] =
      (struct packet_log_entry){at_ns, bytes, sequence};
}

#endif
