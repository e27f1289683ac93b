/* Owns the map from an SSRC to what it means on one transport.
 *
 * Memory is taken by ssrc_table_reserve(), when Python adds a stream; putting an SSRC that a peer
 * made up never allocates: it is refused when the reserved room is used up. */
#ifndef TONGKE_SSRC_TABLE_H
#define TONGKE_SSRC_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum ssrc_role {
  SSRC_FREE,
  SSRC_UNKNOWN,     /* authentic, told to Python, not (yet) named by it */
  SSRC_UNKNOWN_MID, /* the same, and told with its MID or RID */
  SSRC_MEDIA,
  SSRC_RTX,
  SSRC_REPORTER, /* sends RTCP alone */
};

struct ssrc_entry {
  uint32_t ssrc;
  uint32_t role;
  void *stream; /* struct encoding (incoming) or struct consumer (outgoing); NULL when unknown */
};

struct ssrc_table {
  struct ssrc_entry *entries;
  uint32_t capacity; /* a power of two, or 0 */
  uint32_t count;
};

bool ssrc_table_reserve(struct ssrc_table *table, uint32_t count);
void ssrc_table_free(struct ssrc_table *table);
struct ssrc_entry *ssrc_table_find(const struct ssrc_table *table, uint32_t ssrc);
/* Adds or replaces; NULL when full. */
struct ssrc_entry *ssrc_table_put(struct ssrc_table *table, uint32_t ssrc, enum ssrc_role role,
                                  void *stream);
void ssrc_table_remove(struct ssrc_table *table, uint32_t ssrc);

#endif
