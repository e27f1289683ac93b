"""What `server.door.patient_http` and `server.serving` lean on inside uvicorn."""

from __future__ import annotations

import inspect

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


def test_the_h11_protocol_keeps_its_connection_and_loop() -> None:
    source = inspect.getsource(H11Protocol.__init__)
    assert "self.conn = h11.Connection(" in source
    assert "self.loop" in source
    assert "self.client = get_remote_addr(transport)" in inspect.getsource(
        H11Protocol.connection_made
    )
    for name in ("connection_made", "data_received", "connection_lost"):
        assert callable(getattr(H11Protocol, name))


def test_every_head_that_h11_refuses_is_answered_in_one_place() -> None:
    source = inspect.getsource(H11Protocol.handle_events)
    refused = source.partition("except h11.RemoteProtocolError:")[2].partition("\n\n")[0]
    assert "self.send_400_response(msg)" in refused
    assert "return" in refused


def test_h11_tells_an_incomplete_head() -> None:
    connection = h11.Connection(h11.SERVER)
    assert (connection.their_state, connection.trailing_data[0]) == (h11.IDLE, b"")
    connection.receive_data(b"GET / HTTP/1.1\r\n")
    assert connection.next_event() is h11.NEED_DATA
    assert connection.their_state is h11.IDLE
    assert connection.trailing_data[0]


def test_the_server_can_be_run_without_its_signal_handlers() -> None:
    assert "with self.capture_signals():" in inspect.getsource(uvicorn.Server.serve)
    assert "sockets" in inspect.signature(uvicorn.Server.startup).parameters
