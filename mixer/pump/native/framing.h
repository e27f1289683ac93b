/* Owns the cutting of a TCP stream into the datagrams it carries (RFC 4571 §2, as ICE over TCP uses
 * it: RFC 6544 §10.1): two bytes of length, then so many bytes. Whatever the bytes, what is kept is
 * bounded: of a frame longer than a datagram only the beginning is. */
#ifndef TONGKE_FRAMING_H
#define TONGKE_FRAMING_H

#include <stdalign.h>
#include <stdint.h>

#define FRAME_HEAD_BYTES 2
#define FRAME_KEPT_BYTES 1504 /* above DATAGRAM_MAX: what is longer is dropped for its length */

struct deframer {
  uint32_t taken;  /* bytes of the present frame, its head among them */
  uint32_t length; /* of the present frame, once its head is there */
  alignas(8) uint8_t frame[FRAME_KEPT_BYTES];
};

enum { FRAME_PARTIAL = -1 };
/* Takes bytes until a frame is whole: `*whole` is its length (0…65,535) and `frame` its beginning
 * until the next call, or FRAME_PARTIAL when all bytes were taken before. Returns how many were. */
uint32_t deframer_take(struct deframer *deframer, const uint8_t *bytes, uint32_t count,
                       int32_t *whole);
void frame_write_head(uint8_t *head, uint32_t length);

#endif
