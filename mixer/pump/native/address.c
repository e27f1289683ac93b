/* Open addressing with linear probing and backward-shift removal; see address.h. */
#include "address.h"

#include <stdlib.h>

static const uint8_t MAPPED_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_is_mapped(const struct address *address) {
  return memcmp(address->ip, MAPPED_PREFIX, sizeof MAPPED_PREFIX) == 0;
}

static uint64_t mix(uint64_t h) {
  h ^= h >> 33;
  h *= UINT64_C(0xff51afd7ed558ccd);
  h ^= h >> 33;
  h *= UINT64_C(0xc4ceb9fe1a85ec53);
  return h ^ h >> 33;
}

struct address address_of_path(const char *path, size_t length) {
  struct address address = {.kind = ADDRESS_LOCAL};
  uint64_t a = UINT64_C(0xcbf29ce484222325), b = UINT64_C(0x9e3779b97f4a7c15);
  for (size_t i = 0; i < length; i++) {
    a = (a ^ (uint8_t)path[i]) * UINT64_C(0x100000001b3);
    b = mix(b + (uint8_t)path[i]);
  }
  memcpy(address.ip, &a, 8);
  memcpy(address.ip + 8, &b, 8);
  return address;
}

struct address address_of_socket(const struct sockaddr_in6 *name) {
  struct address address = {.kind = ADDRESS_INTERNET};
  if (name->sin6_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)name;
    memcpy(address.ip, MAPPED_PREFIX, sizeof MAPPED_PREFIX);
    memcpy(address.ip + 12, &v4->sin_addr, 4);
    address.port = ntohs(v4->sin_port);
    return address;
  }
  memcpy(address.ip, &name->sin6_addr, 16);
  address.port = ntohs(name->sin6_port);
  address.scope = IN6_IS_ADDR_LINKLOCAL(&name->sin6_addr) ? name->sin6_scope_id : 0;
  return address;
}

socklen_t address_to_socket(const struct address *address, int family,
                            struct sockaddr_storage *name) {
  if (family == AF_INET) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)name;
    if (!address_is_mapped(address)) return 0;
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(address->port)};
    memcpy(&v4->sin_addr, address->ip + 12, 4);
    return sizeof *v4;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)name;
  *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
  v6->sin6_scope_id = address->scope;
  memcpy(&v6->sin6_addr, address->ip, 16);
  return sizeof *v6;
}

bool address_of_control(const struct cmsghdr *part, struct address *local) {
  struct sockaddr_in6 name = {.sin6_family = AF_INET6};
  if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(part), sizeof info);
    name.sin6_addr = info.ipi6_addr;
    name.sin6_scope_id = info.ipi6_ifindex;
  } else if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(part), sizeof info);
    memcpy(&name.sin6_addr, MAPPED_PREFIX, sizeof MAPPED_PREFIX);
    memcpy((uint8_t *)&name.sin6_addr + 12, &info.ipi_spec_dst, 4);
  } else {
    return false;
  }
  *local = address_of_socket(&name);
  return true;
}

static size_t write_control(struct cmsghdr *part, int level, int type, const void *data,
                            size_t length) {
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(length);
  memcpy(CMSG_DATA(part), data, length);
  return CMSG_SPACE(length);
}

size_t address_to_control(const struct address *local, int family, struct cmsghdr *part) {
  if (local->kind != ADDRESS_INTERNET) return 0;
  if (family == AF_INET) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
    return write_control(part, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  }
  struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
  memcpy(&info.ipi6_addr, local->ip, sizeof info.ipi6_addr);
  return write_control(part, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

uint64_t address_host_hash(const struct address *address, uint64_t seed) {
  uint64_t high, low;
  memcpy(&high, address->ip, 8);
  memcpy(&low, address->ip + 8, 8);
  return mix(mix(high ^ seed) ^ (address_is_mapped(address) ? low : 0));
}

static uint32_t slot_of(const struct address_table *table, const struct address *address) {
  uint64_t high, low;
  memcpy(&high, address->ip, 8);
  memcpy(&low, address->ip + 8, 8);
  return (uint32_t)mix(mix(high ^ table->seed) ^ low ^ address->port) & (table->capacity - 1);
}

bool address_table_init(struct address_table *table, uint32_t capacity, uint64_t seed) {
  table->keys = calloc(capacity, sizeof *table->keys);
  table->values = calloc(capacity, sizeof *table->values);
  table->capacity = capacity;
  table->count = 0;
  table->seed = seed;
  return table->keys && table->values;
}

void address_table_free(struct address_table *table) {
  free(table->keys);
  free(table->values);
  *table = (struct address_table){0};
}

/* The slot that holds the address, or the empty one where it would go. */
static uint32_t probe(const struct address_table *table, const struct address *address) {
  uint32_t slot = slot_of(table, address);
  while (table->values[slot] && !address_equal(&table->keys[slot], address))
    slot = (slot + 1) & (table->capacity - 1);
  return slot;
}

struct transport *address_table_find(const struct address_table *table,
                                     const struct address *address) {
  return table->values[probe(table, address)];
}

bool address_table_put(struct address_table *table, const struct address *address,
                       struct transport *transport) {
  uint32_t slot = probe(table, address);
  if (!table->values[slot]) {
    if (2 * (table->count + 1) > table->capacity) return false;
    table->count++;
  }
  table->keys[slot] = *address;
  table->values[slot] = transport;
  return true;
}

void address_table_remove(struct address_table *table, const struct address *address) {
  uint32_t mask = table->capacity - 1, hole = probe(table, address);
  if (!table->values[hole]) return;
  table->count--;
  table->values[hole] = NULL;
  for (uint32_t slot = (hole + 1) & mask; table->values[slot]; slot = (slot + 1) & mask) {
    uint32_t home = slot_of(table, &table->keys[slot]);
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
    table->keys[hole] = table->keys[slot];
    table->values[hole] = table->values[slot];
    table->values[slot] = NULL;
    hole = slot;
  }
}
