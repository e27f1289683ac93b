/* See busy.h. */
#include "busy.h"

void busy_add(struct core *core, struct encoding *encoding) {
  if (encoding->is_busy) return;
  encoding->is_busy = true;
  encoding->next_busy = core->busy;
  core->busy = encoding;
}

void busy_forget(struct core *core, const struct encoding *encoding) {
  for (struct encoding **link = &core->busy; *link; link = &(*link)->next_busy) {
    if (*link != encoding) continue;
    *link = encoding->next_busy;
    break;
  }
}
