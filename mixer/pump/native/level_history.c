/* See level_history.h. */
#include "level_history.h"

#include <string.h>

void level_history_init(struct level_history *history) {
  history->newest = 0;
  memset(history->levels, LEVEL_SILENT, sizeof history->levels);
}

void level_history_hear(struct level_history *history, uint8_t level, int64_t now) {
  int64_t frame = now / LEVEL_FRAME_NS;
  if (frame - history->newest >= LEVEL_PLACES) history->newest = frame - LEVEL_PLACES;
  while (history->newest < frame)
    history->levels[++history->newest % LEVEL_PLACES] = LEVEL_SILENT;
  uint8_t *loudest = &history->levels[frame % LEVEL_PLACES];
  if (level < *loudest) *loudest = level;
}

void level_history_read(const struct level_history *history, int64_t end, uint8_t *out) {
  for (int64_t frame = end - LEVEL_FRAMES; frame < end; frame++)
    *out++ = frame < 0 || frame > history->newest || frame <= history->newest - LEVEL_PLACES
                 ? LEVEL_SILENT
                 : history->levels[frame % LEVEL_PLACES];
}
