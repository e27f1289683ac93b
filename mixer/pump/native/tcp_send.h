/* Owns sending over TCP: frames written in one call where the socket takes them, kept where it does
 * not, up to TCP_BACKLOG_BYTES; beyond that whole datagrams are dropped. A frame begun is always
 * finished, else none is begun. */
#ifndef TONGKE_TCP_SEND_H
#define TONGKE_TCP_SEND_H

#include "outbox.h"
#include "tcp_table.h"
#include "udp_send.h"

/* Half a second of 1 Mb/s: a keyframe of all rooms. What waits longer is late, not saved. */
#define TCP_BACKLOG_BYTES (64 * 1024)

void tcp_send(struct tcp_table *table, const struct outbox *outbox,
              const struct destination *destination, int64_t now, struct send_totals *totals);
void tcp_send_one(struct tcp_table *table, const struct address *to, const uint8_t *data,
                  uint32_t length, int64_t now, struct send_totals *totals);
/* Offers the socket what waits; false: it is broken. */
bool tcp_drain(const struct tcp_table *table, struct tcp_connection *connection, int64_t now);

#endif
