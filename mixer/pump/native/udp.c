/* See udp.h. */
#include "udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Half a second of 50 Mb/s while the thread is not scheduled; the kernel gives less where its limit
 * (net.core.rmem_max) says so. */
#define SOCKET_BUFFER_BYTES (4 * 1024 * 1024)

static void set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

static int open_socket(int family) {
  int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
  set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES); /* where we may */
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  return fd;
}

static int bind_to(struct udp_socket *udp, const struct sockaddr *name, socklen_t length,
                   bool is_any) {
  udp->family = name->sa_family;
  udp->fd = open_socket(udp->family);
  if (udp->fd < 0) return errno;
  set_option(udp->fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
  set_option(udp->fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES);
  if (is_any && udp->family == AF_INET6) /* for IPv4 too, in v4-mapped form */
    set_option(udp->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  if (is_any && udp->family == AF_INET) set_option(udp->fd, IPPROTO_IP, IP_PKTINFO, 1);
  if (bind(udp->fd, name, length) == 0) return 0;
  int error = errno;
  close(udp->fd);
  udp->fd = -1;
  return error;
}

/* Sorts what comes to the port: 0 the first socket, 1 the second. By the second byte, as RFC 5761
 * does: sender and receiver reports (200, 201), and of transport-layer feedback (205) only the
 * transport-wide (format 15). A lost packet that is asked for again cannot wait. */
static bool sort_by_urgency(int fd) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 200, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 201, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 205, 0, 4),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x1f),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 15, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

/* A second socket on the port, for what is not urgent. The first was bound alone, so that a port
 * that somebody else has is refused, and only then shares it. */
static void open_patient(struct udp_socket *udp) {
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  int fd = open_socket(udp->family);
  if (fd < 0) return;
  getsockname(udp->fd, (struct sockaddr *)&name, &length);
  set_option(udp->fd, SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (bind(fd, (struct sockaddr *)&name, length) == 0 && sort_by_urgency(udp->fd)) {
    udp->patient_fd = fd;
    return;
  }
  close(fd);
  set_option(udp->fd, SOL_SOCKET, SO_REUSEPORT, 0);
}

int udp_open(struct udp_socket *udp, const char *host, uint16_t port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  bool is_any = !host || strcmp(host, "::") == 0;
  *udp = (struct udp_socket){.fd = -1, .patient_fd = -1, .gso = true};
  int error;
  if (!is_any && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
    error = bind_to(udp, (struct sockaddr *)&v4, sizeof v4, v4.sin_addr.s_addr == INADDR_ANY);
  } else if (is_any || inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
    bool is_unspecified = is_any || IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
    error = bind_to(udp, (struct sockaddr *)&v6, sizeof v6, is_unspecified);
    if (is_any && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL))
      error = bind_to(udp, (struct sockaddr *)&v4, sizeof v4, true);
  } else {
    error = EINVAL;
  }
  if (error) return error;
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  getsockname(udp->fd, (struct sockaddr *)&name, &length);
  udp->port = ntohs(((struct sockaddr_in *)&name)->sin_port); /* the same place in both families */
  open_patient(udp);
  return 0;
}

void udp_close(struct udp_socket *udp) {
  if (udp->fd >= 0) close(udp->fd);
  if (udp->patient_fd >= 0) close(udp->patient_fd);
  udp->fd = udp->patient_fd = -1;
}
