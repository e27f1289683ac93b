/* Owns the answer to a consumer's NACK: the packet again, from its producer's history, as RTX
 * (RFC 4588) or plainly, within a budget of bytes (repair_budget.h) and not twice within a round
 * trip. */
#ifndef TONGKE_RETRANSMIT_H
#define TONGKE_RETRANSMIT_H

#include "core.h"

/* What was sent under this number, if it is still known and in the history; else NULL. */
struct sent_packet *consumer_recall(const struct consumer *consumer, uint16_t outgoing,
                                    struct media *media);
void consumer_answer_nack(struct core *core, struct consumer *consumer, uint16_t first,
                          uint16_t mask, int64_t now);

#endif
