/* Stands in for OpenSSL's AES-GCM: changes nothing, and watches over what AES-GCM stands and falls
 * with: under one key no nonce is ever used for two different packets (RFC 7714 §8.4). */
#ifndef TONGKE_FUZZ_CIPHER_H
#define TONGKE_FUZZ_CIPHER_H

#include <stdlib.h>
#include <string.h>

#include "aead.h"
#include "hostile.h"

#define NONCES_REMEMBERED (1 << 16)
#define NONCE_BYTES 12

struct cipher {
  uint64_t key; /* another number for every key */
  uint8_t nonce[NONCE_BYTES];
  uint64_t digest;
};

static struct used_nonce {
  uint64_t key, digest;
  uint8_t nonce[NONCE_BYTES];
} used_nonces[NONCES_REMEMBERED];
static uint64_t keys_made, packets_sealed, packets_repeated;

/* FNV-1a. */
static uint64_t digest_of(uint64_t digest, const uint8_t *data, size_t length) {
  for (size_t i = 0; i < length; i++) digest = (digest ^ data[i]) * UINT64_C(0x100000001b3);
  return digest;
}

static void *cipher_new(void) { return calloc(1, sizeof(struct cipher)); }
static const void *cipher_kind(void) { return &keys_made; }

static int cipher_begin(void *context, const void *kind, void *engine, const uint8_t *key,
                        const uint8_t *nonce) {
  struct cipher *cipher = context;
  REQUIRE(!engine && !kind == !key);
  if (key) cipher->key = ++keys_made;
  if (nonce) memcpy(cipher->nonce, nonce, sizeof cipher->nonce);
  cipher->digest = UINT64_C(0xcbf29ce484222325);
  return 1;
}

static int cipher_update(void *context, uint8_t *out, int *out_length, const uint8_t *in,
                         int length) {
  struct cipher *cipher = context;
  REQUIRE(length >= 0 && (!out || out == in));
  cipher->digest = digest_of(cipher->digest, in, (size_t)length);
  *out_length = out ? length : 0;
  return 1;
}

static int cipher_finish(void *context, uint8_t *out, int *out_length) {
  const struct cipher *cipher = context;
  uint64_t place = digest_of(cipher->key, cipher->nonce, NONCE_BYTES);
  struct used_nonce *used = &used_nonces[place % NONCES_REMEMBERED];
  bool is_repeated =
      used->key == cipher->key && memcmp(used->nonce, cipher->nonce, NONCE_BYTES) == 0;
  REQUIRE(!is_repeated || used->digest == cipher->digest);
  *used = (struct used_nonce){.key = cipher->key, .digest = cipher->digest};
  memcpy(used->nonce, cipher->nonce, NONCE_BYTES);
  packets_sealed++;
  packets_repeated += is_repeated;
  (void)out;
  *out_length = 0;
  return 1;
}

static int cipher_control(void *context, int command, int argument, void *result) {
  (void)context;
  REQUIRE(command == 0x10 && argument == AEAD_TAG_BYTES);
  memset(result, 0xee, AEAD_TAG_BYTES);
  return 1;
}

static const struct aead_functions cipher_functions = {
    .new_context = cipher_new, .free_context = free,    .aes_128_gcm = cipher_kind,
    .aes_256_gcm = cipher_kind, .begin = cipher_begin,   .update = cipher_update,
    .finish = cipher_finish,    .control = cipher_control};

#endif
