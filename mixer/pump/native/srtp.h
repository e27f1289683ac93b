/* Owns the way to libsrtp: the five functions the pump calls, by address, and OpenSSL's beside them
 * (aead.h).
 *
 * They live in pylibsrtp's own shared library; Python hands their addresses over when a pump is
 * made, so the build needs no libsrtp headers. The signatures are libsrtp 2's. A session is used
 * under the core's mutex only. */
#ifndef TONGKE_SRTP_H
#define TONGKE_SRTP_H

#include <stdbool.h>
#include <stdint.h>

#include "aead.h"

typedef void *srtp_session;
typedef int (*srtp_transform)(srtp_session session, void *packet, int *length);
typedef int (*srtp_stream_removal)(srtp_session session, uint32_t ssrc_in_network_order);

/* libsrtp's srtp_err_status_t, as far as it matters here. */
enum { SRTP_OK = 0, SRTP_REPLAY_FAIL = 9, SRTP_REPLAY_OLD = 10 };

/* The most that protecting adds: SRTP_MAX_TAG_LEN + SRTP_MAX_MKI_LEN, and 4 for SRTCP's index. */
#define SRTP_TRAILER_MAX (16 + 128 + 4)

struct srtp_functions {
  srtp_transform protect;
  srtp_transform unprotect;
  srtp_transform protect_rtcp;
  srtp_transform unprotect_rtcp;
  srtp_stream_removal remove_stream;
  struct aead_functions aead; /* all NULL: not to be found */
};

/* What `core_set_srtp` takes: two sessions and, where the profile is AES-GCM, the key of what is
 * sent once more, derived (RFC 3711 §4.3). */
struct srtp_keys {
  srtp_session rx, tx;
  uint32_t key_length; /* 0: libsrtp protects what is sent */
  uint8_t key[AEAD_KEY_BYTES_MAX], salt[AEAD_SALT_BYTES];
};

#endif
