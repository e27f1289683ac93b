/* Owns the bytes of an outgoing RTP packet: the header built anew (RFC 3550 §5.1), one-byte header
 * extensions (RFC 8285 §4.2) with the ids of the consumer's transport, the payload with its picture
 * ids rewritten (RFC 7741 §4.2), and the form of a retransmission (RFC 4588 §4). */
#ifndef TONGKE_CONSUMER_PACKET_H
#define TONGKE_CONSUMER_PACKET_H

#include "streams.h"

void consumer_build_extensions(struct consumer *consumer);
/* Writes the RTP packet; returns its length. `as_rtx`: as a retransmission (RFC 4588). */
uint32_t consumer_write(struct consumer *consumer, const struct media *media,
                        const struct mapping *mapping, bool as_rtx, uint8_t *out);
/* Writes a packet of its RTX stream that is padding alone; returns its length. */
uint32_t consumer_write_padding(struct consumer *consumer, uint8_t *out);
/* The departure of a packet that leaves now: takes the next transport-wide sequence. */
struct departure consumer_depart(struct consumer *consumer, int64_t now);
void consumer_stamp(const struct consumer *consumer, const struct departure *departure,
                    uint8_t *packet);

#endif
