/* Owns what a peer's report blocks tell of its line (RFC 3550 §6.4.1): how much of each stream was
 * lost, and the round trip. A peer can only lie about its own line, and within bounds: a block
 * counts no more packets than a 16-bit cycle, and a round trip is measured against the sender
 * reports we remember sending. */
#ifndef TONGKE_REPORT_READER_H
#define TONGKE_REPORT_READER_H

#include "core.h"

/* The blocks of a sender or receiver report of the peer; other parts are passed over. */
void reports_take(struct core *core, struct transport *transport, const struct rtcp_part *part,
                  int64_t arrival_ns);
void reports_remember_sent(struct consumer *consumer, uint64_t ntp, int64_t now);

#endif
