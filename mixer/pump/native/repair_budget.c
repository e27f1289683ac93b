/* See repair_budget.h. */
#include "repair_budget.h"

#include "clock.h"

#define SHARE_PERCENT 50
#define FLOOR_BYTES_PER_S 25000 /* 200 kb/s */
#define BURST_BYTES 96000       /* a lost keyframe of a large picture */

static void add_tokens(struct repair_budget *budget, int64_t bytes) {
  budget->tokens += bytes;
  if (budget->tokens > BURST_BYTES) budget->tokens = BURST_BYTES;
}

void repair_budget_earn(struct repair_budget *budget, uint32_t bytes) {
  add_tokens(budget, (int64_t)bytes * SHARE_PERCENT / 100);
}

bool repair_budget_spend(struct repair_budget *budget, uint32_t bytes, int64_t now) {
  int64_t elapsed_ns = now - budget->filled_ns;
  if (elapsed_ns > SECOND_NS) elapsed_ns = SECOND_NS * (BURST_BYTES / FLOOR_BYTES_PER_S + 1);
  int64_t earned = elapsed_ns * FLOOR_BYTES_PER_S / SECOND_NS;
  if (earned > 0) {
    add_tokens(budget, earned);
    budget->filled_ns = now;
  }
  if (budget->tokens < bytes) return false;
  budget->tokens -= bytes;
  return true;
}
