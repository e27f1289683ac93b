/* Owns the making of events: what Python is told, and how often. */
#ifndef TONGKE_NOTICES_H
#define TONGKE_NOTICES_H

#include "core.h"

void tell_datagram(struct core *core, const struct transport *transport,
                   const struct address *from, const struct address *to, const uint8_t *data,
                   uint32_t length, int64_t arrival_ns);
void tell_rtcp(struct core *core, const struct transport *transport, const uint8_t *data,
               uint32_t length, int64_t arrival_ns);
void tell_new_ssrc(struct core *core, const struct transport *transport,
                   const struct rtp_packet *packet);
/* A line has a reading; false: the event was dropped. */
bool tell_line(struct core *core, const struct transport *transport);
void tell_layer(struct core *core, enum event_type type, int64_t id, int layer);
/* Somebody begins to be loud; false: the event was dropped. */
bool tell_voice(struct core *core, const struct producer *producer);
/* Asks Python for a keyframe of this layer, at most twice a second; returns when it may again. */
int64_t want_keyframe(struct core *core, struct encoding *encoding, int64_t now);

#endif
