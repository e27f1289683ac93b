/* Owns what all calls that Python makes have in common: each takes the core's mutex, changes or reads
 * something, and lets it go. They return ids or 0, or a negative `enum refusal`. */
#ifndef TONGKE_CALLS_H
#define TONGKE_CALLS_H

#include "core.h"

/* Why a call was refused; Python turns these into exceptions. */
enum refusal {
  REFUSED_UNKNOWN = -1,   /* no such transport, producer or consumer */
  REFUSED_VALUE = -2,     /* an impossible value */
  REFUSED_FULL = -3,      /* a limit is reached */
  REFUSED_MEMORY = -4,
  REFUSED_SSRC_USED = -5, /* taken, or was used before on this transport */
};

#endif
