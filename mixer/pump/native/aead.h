/* Owns protecting the RTP that leaves with AES-GCM: AEAD_AES_128_GCM and AEAD_AES_256_GCM
 * (RFC 7714), by OpenSSL's cipher directly.
 *
 * Each forwarded packet is protected once for every receiver; it is the pump's dearest step. libsrtp
 * does it whole, but looks up a stream and moves a replay window for each packet, and neither is
 * needed here: who writes the sequence numbers knows the stream and does not replay. libsrtp still
 * does all else: what comes in, RTCP, and transports without AES-GCM. OpenSSL is the one inside
 * pylibsrtp's own library; Python hands its functions' addresses over, and where they are not to be
 * found libsrtp does this too. */
#ifndef TONGKE_AEAD_H
#define TONGKE_AEAD_H

#include <stdbool.h>
#include <stdint.h>

#define AEAD_SALT_BYTES 12
#define AEAD_TAG_BYTES 16
#define AEAD_KEY_BYTES_MAX 32

/* EVP_CIPHER_CTX_new, EVP_CIPHER_CTX_free, EVP_aes_128_gcm, EVP_aes_256_gcm, EVP_EncryptInit_ex,
 * EVP_EncryptUpdate, EVP_EncryptFinal_ex, EVP_CIPHER_CTX_ctrl: OpenSSL 1.1 and later. */
struct aead_functions {
  void *(*new_context)(void);
  void (*free_context)(void *context);
  const void *(*aes_128_gcm)(void);
  const void *(*aes_256_gcm)(void);
  int (*begin)(void *context, const void *cipher, void *engine, const uint8_t *key,
               const uint8_t *iv);
  int (*update)(void *context, uint8_t *out, int *out_length, const uint8_t *in, int length);
  int (*finish)(void *context, uint8_t *out, int *out_length);
  int (*control)(void *context, int command, int argument, void *result);
};

/* One transport's outgoing session: its session key (in the context) and session salt. */
struct aead {
  void *context; /* NULL: libsrtp protects what leaves */
  uint8_t salt[AEAD_SALT_BYTES];
};

/* One outgoing stream's packet index: 2^16 × rollover counter + sequence number (RFC 3711 §3.3.1).
 * All zeros before its first packet. */
struct packet_index {
  uint64_t highest;
  bool has_begun;
};

/* False, and `aead` without a context: no such cipher here, or no memory. */
bool aead_begin(struct aead *aead, const struct aead_functions *functions, const uint8_t *key,
                uint32_t key_length, const uint8_t *salt);
void aead_end(struct aead *aead, const struct aead_functions *functions);

/* Protects an RTP packet in place; AEAD_TAG_BYTES are free behind it. Returns its length then, or 0:
 * the stream's indices are used up (new keys are needed), or OpenSSL refused. One index must never
 * carry two different packets (RFC 7714 §8.4): the caller repeats a packet bit for bit or not at
 * all. */
uint32_t aead_protect(const struct aead *aead, const struct aead_functions *functions,
                      struct packet_index *index, uint8_t *packet, uint32_t length);

#endif
