"""The floor's Python face: who is there and who gets whose packets; see `native/floor.h`."""

from libc.stdint cimport uint16_t, uint32_t, uintptr_t
from libc.string cimport memcpy

from pylibsrtp import ffi, lib


cdef extern from "floor.h" nogil:
    ctypedef int (*srtp_transform)(void *, void *, int *)
    struct floor:
        pass
    floor *floor_new(int fd, int control_fd, srtp_transform protect, srtp_transform unprotect)
    void floor_free(floor *floor)
    int floor_start(floor *floor)
    void floor_stop(floor *floor)
    int floor_add_peer(floor *floor, uint32_t address, uint16_t port, void *rx, void *tx)
    int floor_add_consumer(floor *floor, int publisher, int consumer)


cdef srtp_transform function(str name) except NULL:
    return <srtp_transform><uintptr_t>int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


cdef class Floor:
    """One UDP socket whose packets are forwarded by a native thread."""

    cdef floor *_floor

    def __cinit__(self, int fd, int control_fd):
        self._floor = floor_new(
            fd, control_fd, function("srtp_protect"), function("srtp_unprotect")
        )
        if self._floor is NULL:
            raise MemoryError

    def __dealloc__(self):
        if self._floor is not NULL:
            floor_free(self._floor)

    def start(self):
        """Run the thread."""
        if floor_start(self._floor):
            raise OSError("cannot start the floor's thread")

    def stop(self):
        """End the thread."""
        with nogil:
            floor_stop(self._floor)

    def add_peer(self, bytes address, int port, uintptr_t rx, uintptr_t tx):
        """Somebody at this IPv4 address (4 bytes), with two `srtp_t` that the floor alone uses."""
        cdef uint32_t raw
        cdef const unsigned char *given = address
        if len(address) != 4:
            raise ValueError("an IPv4 address has 4 bytes")
        memcpy(&raw, given, 4)
        cdef int result = floor_add_peer(self._floor, raw, port, <void *>rx, <void *>tx)
        if result < 0:
            raise OSError("too many peers")
        return result

    def add_consumer(self, int publisher, int consumer):
        """Every packet of `publisher` goes to `consumer` from now on."""
        if floor_add_consumer(self._floor, publisher, consumer):
            raise OSError("no such peer, or too many consumers")
