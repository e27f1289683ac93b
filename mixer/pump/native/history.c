/* See history.h. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* A receiver that has not got a lost packet back after a second has asked for a keyframe. */
#define HISTORY_AGE_NS SECOND_NS
#define VIDEO_PACKETS 1024
#define AUDIO_PACKETS 128
#define VIDEO_SLAB_BYTES (32 * 1024) /* × 64 slabs: 2 MiB, a second at 16 Mb/s */
#define AUDIO_SLAB_BYTES (4 * 1024)
#define AUDIO_SLABS 16

struct slab {
  int64_t newest_ns;
  uint32_t used;
  uint32_t use; /* how often it was begun anew */
  uint8_t bytes[];
};

/* What is stored: the media record (its payload pointer meaningless), then the payload. */
static uint32_t stored_bytes(const struct media *media) {
  return (uint32_t)((sizeof *media + media->payload_length + 7) & ~(size_t)7);
}

bool history_init(struct history *history, bool is_video) {
  *history = (struct history){
      .size = is_video ? VIDEO_PACKETS : AUDIO_PACKETS,
      .slab_bytes = is_video ? VIDEO_SLAB_BYTES : AUDIO_SLAB_BYTES,
      .slab_limit = is_video ? HISTORY_SLABS_MAX : AUDIO_SLABS,
  };
  history->places = calloc(history->size, sizeof *history->places);
  return history->places;
}

void history_free(struct history *history) {
  for (uint32_t i = 0; i < history->slab_count; i++) free(history->slabs[i]);
  free(history->places);
  *history = (struct history){0};
}

static struct slab *begin_slab(struct history *history, uint32_t index) {
  struct slab *slab = history->slabs[index];
  slab->used = 0;
  slab->use++;
  history->current = index;
  return slab;
}

/* The slabs form a ring; a new one is put in after the current, before the oldest. */
static struct slab *next_slab(struct history *history, int64_t now) {
  if (history->slab_count) {
    uint32_t oldest = (history->current + 1) % history->slab_count;
    int64_t newest_ns = history->slabs[oldest]->newest_ns;
    bool is_kept = history->kept_since_ns && newest_ns >= history->kept_since_ns;
    bool reusable = !is_kept && now - newest_ns > HISTORY_AGE_NS;
    if (history->slab_count == history->slab_limit || (reusable && history->slab_count > 1))
      return begin_slab(history, oldest);
  }
  struct slab *slab = malloc(sizeof *slab + history->slab_bytes);
  if (!slab) return NULL;
  slab->use = 0;
  uint32_t at = history->slab_count ? history->current + 1 : 0;
  /* Places name slabs by index, so those behind the new one move up with it. Growing is rare: it
   * happens while a stream's rate reaches a new height. */
  for (uint32_t i = history->slab_count; i > at; i--) history->slabs[i] = history->slabs[i - 1];
  history->slabs[at] = slab;
  history->slab_count++;
  if (at + 1 < history->slab_count) {
    for (uint32_t i = 0; i < history->size; i++)
      if (history->places[i].slab_use && history->places[i].slab >= at) history->places[i].slab++;
  }
  return begin_slab(history, at);
}

bool history_put(struct history *history, const struct media *media, int64_t now) {
  uint32_t bytes = stored_bytes(media);
  struct history_place *place = &history->places[media->sequence & (history->size - 1)];
  if (place->slab_use && place->sequence > media->sequence) return true; /* too late to matter */
  if (bytes > history->slab_bytes) return false;
  struct slab *slab = history->slab_count ? history->slabs[history->current] : NULL;
  if (!slab || slab->used + bytes > history->slab_bytes) slab = next_slab(history, now);
  if (!slab) return false;
  uint8_t *at = slab->bytes + slab->used;
  memcpy(at, media, sizeof *media);
  memcpy(at + sizeof *media, media->payload, media->payload_length);
  *place = (struct history_place){media->sequence, slab->use, history->current, slab->used};
  slab->used += bytes;
  slab->newest_ns = now;
  return true;
}

bool history_get(const struct history *history, uint64_t sequence, struct media *media) {
  const struct history_place *place = &history->places[sequence & (history->size - 1)];
  if (!place->slab_use || place->sequence != sequence) return false;
  const struct slab *slab = history->slabs[place->slab];
  if (slab->use != place->slab_use) return false;
  memcpy(media, slab->bytes + place->offset, sizeof *media);
  media->payload = slab->bytes + place->offset + sizeof *media;
  return true;
}
