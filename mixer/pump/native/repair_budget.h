/* Owns what a transport may spend on repairs: bytes earned by what it is sent, and a little by time.
 *
 * A lossy line may spend half of what it gets on repairs, and always a little: at 30 % loss a stream
 * needs 43 % extra. More would only feed the congestion. */
#ifndef TONGKE_REPAIR_BUDGET_H
#define TONGKE_REPAIR_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "limiter.h"

struct repair_budget {
  int64_t tokens; /* bytes */
  int64_t filled_ns;
  struct bucket nacked; /* sequence numbers asked for again */
};

/* So many bytes of media were sent. */
void repair_budget_earn(struct repair_budget *budget, uint32_t bytes);
/* False: there is not as much. */
bool repair_budget_spend(struct repair_budget *budget, uint32_t bytes, int64_t now);

#endif
