/* Owns the UDP port: opening it for both address families, and closing it. What is received is
 * udp_receive.h's, what is sent udp_send.h's.
 *
 * A host has several addresses, and a peer believes only what comes from the one it spoke to. A
 * socket bound to all of them learns from the kernel which one a datagram came to, and says with
 * each message from which one it goes; bound to one address there is nothing to say.
 *
 * Reports and transport-wide feedback come to a socket of their own on the same port: to be woken
 * for one costs more than to read it, and they can wait for the next round. The kernel sorts by a
 * filter (SO_ATTACH_REUSEPORT_CBPF, Linux 4.5). */
#ifndef TONGKE_UDP_H
#define TONGKE_UDP_H

#include <stdbool.h>
#include <stdint.h>

struct udp_socket {
  int fd;
  int patient_fd;        /* reports and feedback; −1: they come to `fd` like all else */
  int family;
  uint16_t port;
  bool gso;              /* segmentation offload: until it proves not to work here */
  uint32_t gso_refusals; /* in a row, where the packets went through one by one */
};

/* `host` NULL or "::": both families, or IPv4 alone where the machine has no IPv6. 0, or errno. */
int udp_open(struct udp_socket *udp, const char *host, uint16_t port);
void udp_close(struct udp_socket *udp);

#endif
