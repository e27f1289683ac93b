/* Owns the parameter sets of one H.264 stream (ITU-T H.264 §7.3.2.1, §7.3.2.2): the newest of each id
 * that came, in the one payload that repeats them all (a STAP-A, RFC 6184 §5.7.1). */
#ifndef TONGKE_PARAMETER_SETS_H
#define TONGKE_PARAMETER_SETS_H

#include <stdbool.h>
#include <stdint.h>

/* One packet takes them all, whatever its header. A set of one camera has some 40 bytes; with scaling
 * lists, 300. */
#define PARAMETER_SETS_BYTES 1000
/* Cameras have one SPS and up to four PPS. Each set that comes is compared with all. */
#define PARAMETER_SETS_MAX 16

struct parameter_sets {
  uint64_t sequence;     /* of the newest packet that brought one */
  uint32_t changes;      /* how often the sequence parameter set became another */
  uint8_t version;       /* another whenever the payload changes; never 0 once there is one */
  uint8_t count;
  bool has_sps, has_pps;
  uint16_t length;       /* of what is in the payload */
  uint16_t sps_at, sps_length; /* of the newest sequence parameter set, in the payload */
  uint8_t payload[PARAMETER_SETS_BYTES];
};

void parameter_sets_init(struct parameter_sets *sets);
/* Keeps the whole sets of a payload (alone or in a STAP-A), those of older packets than what is kept
 * but for. One that finds no room is left out. */
void parameter_sets_take(struct parameter_sets *sets, const uint8_t *payload, uint16_t length,
                         uint64_t sequence);
/* Whether there is enough to decode a keyframe with. */
static inline bool parameter_sets_ready(const struct parameter_sets *sets) {
  return sets->has_sps && sets->has_pps;
}

#endif
