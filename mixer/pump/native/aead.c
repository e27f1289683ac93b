/* Owns AES-GCM for outgoing RTP; see aead.h. */
#include "aead.h"

#include <string.h>

#include "bytes.h"
#include "rtp.h"

#define IV_BYTES 12
#define INDEX_LIMIT (UINT64_C(1) << 48)
#define GET_TAG 0x10 /* OpenSSL's EVP_CTRL_AEAD_GET_TAG */
#define EXTENSION_BIT 0x10

bool aead_begin(struct aead *aead, const struct aead_functions *functions, const uint8_t *key,
                uint32_t key_length, const uint8_t *salt) {
  *aead = (struct aead){0};
  if (!functions->new_context || (key_length != 16 && key_length != 32)) return false;
  void *context = functions->new_context();
  if (!context) return false;
  const void *cipher = key_length == 16 ? functions->aes_128_gcm() : functions->aes_256_gcm();
  if (functions->begin(context, cipher, NULL, key, NULL) != 1) {
    functions->free_context(context);
    return false;
  }
  aead->context = context;
  memcpy(aead->salt, salt, AEAD_SALT_BYTES);
  return true;
}

void aead_end(struct aead *aead, const struct aead_functions *functions) {
  if (aead->context) functions->free_context(aead->context);
  *aead = (struct aead){0};
}

/* The index nearest to the highest so far (RFC 3711 §3.3.1); false: there is none. */
static bool advance(struct packet_index *index, uint16_t sequence, uint64_t *found) {
  if (!index->has_begun) {
    *index = (struct packet_index){.highest = sequence, .has_begun = true};
    *found = sequence;
    return true;
  }
  int16_t ahead = (int16_t)(sequence - (uint16_t)index->highest);
  if (ahead < 0 && index->highest < (uint64_t)-ahead) return false;
  *found = index->highest + (uint64_t)(int64_t)ahead;
  if (*found >= INDEX_LIMIT) return false;
  if (ahead > 0) index->highest = *found;
  return true;
}

/* RFC 7714 §8.1: two zeros, SSRC, rollover counter and sequence number, XOR the salt. Put together
 * in registers: to read back what was just written in other widths waits for all writes before it,
 * a whole packet's. */
static void write_iv(const struct aead *aead, uint32_t ssrc, uint64_t index, uint8_t *iv) {
  write_u64(iv, read_u64(aead->salt) ^ ((uint64_t)ssrc << 16 | index >> 32));
  write_u32(iv + 8, read_u32(aead->salt + 8) ^ (uint32_t)index);
}

/* All up to the payload is authenticated and stays readable (RFC 7714 §8.2). The pump's own packets
 * have no CSRCs. */
static uint32_t header_length(const uint8_t *packet) {
  if (!(packet[0] & EXTENSION_BIT)) return RTP_HEADER_BYTES;
  return RTP_HEADER_BYTES + 4 + 4u * read_u16(packet + RTP_HEADER_BYTES + 2);
}

uint32_t aead_protect(const struct aead *aead, const struct aead_functions *functions,
                      struct packet_index *index, uint8_t *packet, uint32_t length) {
  uint8_t iv[IV_BYTES];
  uint64_t number;
  int written = 0;
  uint32_t header = header_length(packet);
  uint8_t *payload = packet + header, *tag = packet + length;
  if (!advance(index, read_u16(packet + 2), &number)) return 0;
  write_iv(aead, read_u32(packet + 8), number, iv);
  bool done =
      functions->begin(aead->context, NULL, NULL, NULL, iv) == 1 &&
      functions->update(aead->context, NULL, &written, packet, (int)header) == 1 &&
      functions->update(aead->context, payload, &written, payload, (int)(length - header)) == 1 &&
      functions->finish(aead->context, tag, &written) == 1 &&
      functions->control(aead->context, GET_TAG, AEAD_TAG_BYTES, tag) == 1;
  return done ? length + AEAD_TAG_BYTES : 0;
}
