/* Owns the calls that make, change and end transports. */
#ifndef TONGKE_CALLS_TRANSPORTS_H
#define TONGKE_CALLS_TRANSPORTS_H

#include <sys/un.h>

#include "calls.h"

int64_t core_add_transport(struct core *core, const struct extension_ids *extensions);
int64_t core_add_plain_transport(struct core *core, const char *path);
int core_set_extensions(struct core *core, int64_t id, const struct extension_ids *extensions);
/* `address` NULL: no remote. An address another transport had is taken from it. `local` is that of
 * ours which the peer speaks to, or NONE. */
int core_set_remote(struct core *core, int64_t id, const struct address *address,
                    const struct address *local);
/* Once `keys` are taken all packet indices begin anew: they must be keys that were never used. */
int core_set_srtp(struct core *core, int64_t id, const struct srtp_keys *keys);
/* From now on what comes in is reported on, under this SSRC; `cname` of at most CNAME_MAX bytes. */
int core_set_reporting(struct core *core, int64_t id, uint32_t ssrc, const char *cname,
                       uint8_t cname_length);
/* 1: begun; 0: nothing to fill the line with. */
int core_probe(struct core *core, int64_t id, uint64_t rate_bps, int64_t duration_ns,
               int64_t now);
/* With all its producers and consumers. */
int core_remove_transport(struct core *core, int64_t id);
/* All of them, before core_free(). Their sessions may be gone already. */
void core_remove_transports(struct core *core);
struct rtcp_target {
  struct address to, local;
  struct sockaddr_un plain_name; /* where `to` is not an internet address */
  socklen_t plain_length;
};
/* Protects RTCP for sending to `target`. The result is in `out`; returns its length, 0: cannot be
 * sent now. */
int core_protect_rtcp(struct core *core, int64_t id, const uint8_t *data, uint32_t length,
                      uint8_t *out, struct rtcp_target *target);
/* Leaves a datagram for the pump's thread to send by TCP; false: too many wait. */
bool core_post(struct core *core, const struct address *to, const uint8_t *data, uint32_t length);
/* The links of removed plain transports, for whoever sends to close when nothing is under way. */
struct plain_link *core_take_closing(struct core *core);

#endif
