/* Owns one incoming stream: placing each packet in its sequence, noticing loss, keeping the history
 * and handing the packet to every consumer of the producer. */
#ifndef TONGKE_ENCODING_H
#define TONGKE_ENCODING_H

#include "core.h"

struct encoding *encoding_new(struct core *core, struct producer *producer, int layer);
void encoding_free(struct core *core, struct encoding *encoding);
void encoding_receive(struct core *core, struct encoding *encoding,
                      const struct rtp_packet *packet, bool repaired, int64_t arrival_ns,
                      int64_t now);
void encoding_take_report(struct core *core, struct encoding *encoding, uint64_t ntp,
                          uint32_t timestamp, int64_t arrival_ns, int64_t now);

#endif
