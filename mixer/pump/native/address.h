/* Owns who a datagram is from or to, and the table that finds the transport of a remote address.
 *
 * An IPv4 address is kept v4-mapped (::ffff:a.b.c.d), so that one form serves both families. A
 * local peer's socket path is kept as a 128-bit hash: it has a place in the same table. A peer by TCP
 * is known by its connection too: another connection is another address. */
#ifndef TONGKE_ADDRESS_H
#define TONGKE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum address_kind { ADDRESS_NONE, ADDRESS_INTERNET, ADDRESS_LOCAL, ADDRESS_TCP };

struct address {
  uint8_t ip[16];
  uint16_t port; /* host byte order */
  uint16_t kind;
  uint32_t scope; /* of a link-local IPv6 address; of a TCP peer its connection's number; else 0 */
};

/* By UDP or TCP, in contrast to a local peer. */
static inline bool address_is_remote(const struct address *address) {
  return address->kind == ADDRESS_INTERNET || address->kind == ADDRESS_TCP;
}

static inline bool address_equal(const struct address *a, const struct address *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

bool address_is_mapped(const struct address *address);
struct address address_of_path(const char *path, size_t length);
struct address address_of_socket(const struct sockaddr_in6 *name);
/* Fills `name` for a socket of `family` (AF_INET6 or AF_INET); 0 when the family cannot reach it. */
socklen_t address_to_socket(const struct address *address, int family,
                            struct sockaddr_storage *name);
/* Room for the control message that names a local address. */
#define LOCAL_CONTROL_BYTES CMSG_SPACE(sizeof(struct in6_pktinfo))
/* Our own address in a received control message (RFC 3542 §6.2, ip(7)); false: it is another. */
bool address_of_control(const struct cmsghdr *part, struct address *local);
/* Writes the control message by which a socket of `family` sends from `local` (its port does not
 * matter); returns its space, 0 when the address is not known: the kernel's choice. */
size_t address_to_control(const struct address *local, int family, struct cmsghdr *part);
/* The host (IPv4) or network (IPv6 /64) a rate limit is kept for, as one hash. */
uint64_t address_host_hash(const struct address *address, uint64_t seed);

struct transport;

struct address_table {
  struct address *keys;
  struct transport **values;
  uint32_t capacity; /* a power of two, at least twice the count */
  uint32_t count;
  uint64_t seed;
};

bool address_table_init(struct address_table *table, uint32_t capacity, uint64_t seed);
void address_table_free(struct address_table *table);
struct transport *address_table_find(const struct address_table *table,
                                     const struct address *address);
/* Replaces what was there; false when the table is full. */
bool address_table_put(struct address_table *table, const struct address *address,
                       struct transport *transport);
void address_table_remove(struct address_table *table, const struct address *address);

#endif
