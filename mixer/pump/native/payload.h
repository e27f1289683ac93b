/* Owns the reading of payload descriptors: where a keyframe starts, and which numbers must be
 * rewritten. VP8: RFC 7741 §4.2. H.264: RFC 6184 §5.6–5.8. */
#ifndef TONGKE_PAYLOAD_H
#define TONGKE_PAYLOAD_H

#include "media.h"

/* `first_of_picture`: no packet of the same picture came before this one. Hostile payloads read as
 * "no keyframe, nothing to rewrite"; no byte outside `length` is looked at. */
struct picture payload_read(enum codec codec, const uint8_t *payload, uint16_t length,
                            bool first_of_picture);

/* Whether a stream of this codec may be joined at any packet. */
static inline bool codec_joins_anywhere(enum codec codec) {
  return codec == CODEC_OPAQUE || codec == CODEC_OPUS;
}

#endif
