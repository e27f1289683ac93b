/* See calls_transports.h. */
#include "calls_transports.h"

#include <stdlib.h>
#include <string.h>

#include "calls_streams.h"
#include "consumer_packet.h"
#include "egress.h"
#include "plain.h"

static int64_t register_transport(struct core *core, struct transport *transport) {
  if (!transport || !ssrc_table_reserve(&transport->incoming, UNKNOWN_SSRCS_MAX))
    return REFUSED_MEMORY;
  if (core->transports.count < TRANSPORTS_MAX)
    transport->id = registry_add(&core->transports, transport);
  return transport->id ? transport->id : REFUSED_FULL;
}

static void discard(struct transport *transport) {
  if (transport) ssrc_table_free(&transport->incoming);
  free(transport);
}

int64_t core_add_transport(struct core *core, const struct extension_ids *extensions) {
  struct transport *transport = calloc(1, sizeof *transport);
  pthread_mutex_lock(&core->mutex);
  int64_t id = register_transport(core, transport);
  if (id > 0) transport->extensions = *extensions;
  pthread_mutex_unlock(&core->mutex);
  if (id < 0) discard(transport);
  return id;
}

int64_t core_add_plain_transport(struct core *core, const char *path) {
  struct address address = address_of_path(path, strlen(path));
  struct plain_link *link = plain_link_new(path);
  if (!link) return REFUSED_VALUE;
  struct transport *transport = calloc(1, sizeof *transport);
  pthread_mutex_lock(&core->mutex);
  int64_t id = address_table_find(&core->remotes, &address)
                   ? REFUSED_VALUE
                   : register_transport(core, transport);
  if (id > 0) {
    transport->plain = link;
    transport->remote = address;
    transport->next_plain = core->plain_transports;
    core->plain_transports = transport;
    address_table_put(&core->remotes, &address, transport);
  }
  pthread_mutex_unlock(&core->mutex);
  if (id < 0) {
    discard(transport);
    plain_link_free(link);
  }
  return id;
}

int core_set_extensions(struct core *core, int64_t id, const struct extension_ids *extensions) {
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (transport) {
    transport->extensions = *extensions;
    for (struct consumer *consumer = transport->consumers; consumer;
         consumer = consumer->next_of_transport)
      consumer_build_extensions(consumer);
    if (extensions->transport_cc && transport->consumers) lines_reserve(core, transport);
  }
  pthread_mutex_unlock(&core->mutex);
  return transport ? 0 : REFUSED_UNKNOWN;
}

static void clear_remote(struct core *core, struct transport *transport) {
  if (transport->remote.kind == ADDRESS_NONE) return;
  address_table_remove(&core->remotes, &transport->remote);
  memset(&transport->remote, 0, sizeof transport->remote);
  memset(&transport->local, 0, sizeof transport->local);
}

int core_set_remote(struct core *core, int64_t id, const struct address *address,
                    const struct address *local) {
  int result = 0;
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (!transport) {
    result = REFUSED_UNKNOWN;
  } else if (transport->plain) {
    result = REFUSED_VALUE;
  } else {
    clear_remote(core, transport);
    if (address) {
      struct transport *former = address_table_find(&core->remotes, address);
      if (former) clear_remote(core, former);
      if (address_table_put(&core->remotes, address, transport)) {
        transport->remote = *address;
        transport->local = *local;
      }
    }
  }
  pthread_mutex_unlock(&core->mutex);
  return result;
}

int core_set_srtp(struct core *core, int64_t id, const struct srtp_keys *keys) {
  struct aead aead = {0};
  if (keys->key_length)
    aead_begin(&aead, &core->srtp.aead, keys->key, keys->key_length, keys->salt);
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (transport) {
    struct aead former = transport->aead;
    transport->rx = keys->rx;
    transport->tx = keys->tx;
    transport->aead = aead;
    aead = former;
    transport->retired.count = 0; /* new keys: any SSRC is fresh again */
    for (struct consumer *one = transport->consumers; one; one = one->next_of_transport)
      one->index = one->rtx_index = (struct packet_index){0};
  }
  pthread_mutex_unlock(&core->mutex);
  aead_end(&aead, &core->srtp.aead);
  return transport ? 0 : REFUSED_UNKNOWN;
}

int core_set_reporting(struct core *core, int64_t id, uint32_t ssrc, const char *cname,
                       uint8_t cname_length) {
  int result = 0;
  if (cname_length > CNAME_MAX) return REFUSED_VALUE;
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (!transport) {
    result = REFUSED_UNKNOWN;
  } else if (!feedback_reserve(&transport->reporting.feedback)) {
    result = REFUSED_MEMORY;
  } else {
    transport->reporting.is_on = true;
    transport->reporting.ssrc = ssrc;
    transport->reporting.cname_length = cname_length;
    memcpy(transport->reporting.cname, cname, cname_length);
    reports_look(core);
  }
  pthread_mutex_unlock(&core->mutex);
  return result;
}

int core_probe(struct core *core, int64_t id, uint64_t rate_bps, int64_t duration_ns,
               int64_t now) {
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  int result = transport ? probe_begin(core, transport, rate_bps, duration_ns, now)
                         : REFUSED_UNKNOWN;
  pthread_mutex_unlock(&core->mutex);
  return result;
}

static void unlink_plain(struct core *core, struct transport *transport) {
  struct transport **link = &core->plain_transports;
  while (*link != transport) link = &(*link)->next_plain;
  *link = transport->next_plain;
  transport->plain->next_closing = core->closing;
  core->closing = transport->plain;
}

int core_remove_transport(struct core *core, int64_t id) {
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (transport) {
    while (transport->producers) remove_producer(core, transport->producers);
    while (transport->consumers) remove_consumer(core, transport->consumers);
    clear_remote(core, transport);
    probe_end(core, transport);
    if (transport->plain) unlink_plain(core, transport);
    ssrc_table_free(&transport->incoming);
    ssrc_table_free(&transport->outgoing);
    reports_forget(core, transport);
    lines_forget(core, transport);
    aead_end(&transport->aead, &core->srtp.aead);
    registry_remove(&core->transports, id);
    free(transport);
  }
  pthread_mutex_unlock(&core->mutex);
  return transport ? 0 : REFUSED_UNKNOWN;
}

void core_remove_transports(struct core *core) {
  struct transport **transports = (struct transport **)core->transports.objects;
  uint32_t places = core->transports.capacity;
  for (uint32_t i = 0; i < places; i++)
    if (transports[i]) transports[i]->rx = transports[i]->tx = NULL;
  for (uint32_t i = 0; i < places; i++)
    if (transports[i]) core_remove_transport(core, transports[i]->id);
  while (core->closing) {
    struct plain_link *link = core->closing;
    core->closing = link->next_closing;
    plain_link_free(link);
  }
}

bool core_post(struct core *core, const struct address *to, const uint8_t *data, uint32_t length) {
  struct event event = {.type = EVENT_DATAGRAM, .from = *to, .data_length = (uint16_t)length};
  if (length > DATAGRAM_MAX) return false;
  pthread_mutex_lock(&core->mutex);
  bool posted = event_ring_put(&core->posted, &event, data);
  if (!posted) core_count(core, COUNTER_drop_tcp_full);
  pthread_mutex_unlock(&core->mutex);
  return posted;
}

struct plain_link *core_take_closing(struct core *core) {
  pthread_mutex_lock(&core->mutex);
  struct plain_link *closing = core->closing;
  core->closing = NULL;
  pthread_mutex_unlock(&core->mutex);
  return closing;
}

int core_protect_rtcp(struct core *core, int64_t id, const uint8_t *data, uint32_t length,
                      uint8_t *out, struct rtcp_target *target) {
  int result = REFUSED_UNKNOWN;
  if (length > DATAGRAM_MAX || !rtcp_is_well_formed(data, length)) return REFUSED_VALUE;
  memcpy(out, data, length);
  pthread_mutex_lock(&core->mutex);
  struct transport *transport = core_transport(core, id);
  if (transport) {
    bool can_send = transport_can_send(core, transport);
    result = can_send ? (int)transport_protect_rtcp(core, transport, out, length) : 0;
    target->to = transport->remote;
    target->local = transport->local;
    if (transport->plain) {
      target->plain_name = transport->plain->name;
      target->plain_length = transport->plain->name_length;
    }
  }
  pthread_mutex_unlock(&core->mutex);
  return result;
}
