"""The packet pump: one native thread, one UDP port, no Python object per media packet.

What it owns: the port, the TCP port beside it (`tcp_port`) for peers whose network lets no UDP
through, the SRTP of every transport on it, the routing of each packet from a
producer's encoding to its consumers, and everything that must be immediate (answering a NACK,
asking again for a lost packet, switching a layer on a keyframe).

What it leaves to Python: STUN, DTLS and all decisions. They reach it as calls and leave it as
events; every queue between the two is bounded and counts what it drops.

The contract of `Pump` (thread-safe; each call takes effect before it returns):

* `drain()` returns the events that wait, oldest first; `event_fd` (an eventfd) is readable while
  there are any. `send_datagram` sends STUN and DTLS from the pump's port.
* A host has several addresses, and a peer believes only what comes from the one it spoke to. A
  `DATAGRAM` event says which one that was (`local`; "" where the pump has only one);
  `send_datagram` and `set_remote` take it back, and what they are about leaves from there.
* A peer by TCP speaks in frames of one datagram (RFC 4571) over a connection it opened. Its address
  has a third part, the number of the connection; else it is like any other. It must prove itself
  soon: the first STUN success that `send_datagram` sends it is the proof. Connections are bounded
  in number and by host, and closed when they prove nothing, fall silent or take nothing; what a
  slow one does not take is dropped, whole datagrams at a time (`native/tcp.h`).
* A *transport* is one peer. `add_transport` names the header extension ids it negotiated (0: not
  negotiated), valid for both directions; `set_remote` gives the one address pair that may speak
  and is spoken to; `set_srtp` hands over two `srtp_t` (as integers) that only the pump thread
  uses from then on: the caller keeps their owner alive until `remove_transport` returned. With
  AES-GCM it takes the session key and salt of what is sent too (`mixer.transport.srtp_keys`): the
  pump protects RTP with them itself (`native/aead.h`), else libsrtp does. Keys that were used once
  are never given again.
  `add_plain_transport(path)` is a local peer: plain RTP and RTCP in Unix datagrams sent to
  `path`; a full socket is a counted drop. What is sent to the pump's own `plain_path` from `path`
  is that transport's incoming media. Removing a transport removes its producers and consumers.
  `stop()` ends the thread and gives up the port, for good.
* A *producer* has up to six *encodings*, numbered as the caller likes (`layer`). A packet whose
  SSRC is unknown raises `NEW_SSRC` once (with MID, RID and repaired RID as read from its header
  extensions; once more when it first shows any of them) and is dropped until `add_encoding` names
  it. A second `add_encoding` of a layer gives it its RTX stream, or replaces it by a new SSRC. The
  H.264 parameter sets that come, or that `add_encoding` was given (`parameter_sets`, an RTP payload
  of them), go in front of every keyframe that comes without. `remote_ssrc` is the sender SSRC of
  the NACKs sent for the producer (0: the pump's own).
* A *consumer* sends one producer to one transport under its own ssrc, sequence numbers,
  timestamps, picture ids and extension ids. `set_consumer_layer(id, layer)` switches on the next
  keyframe of that layer (sound: at once), −1 stops it; until the switch the old layer goes on.
  With `from_past` a consumer begins with the last keyframe that came within 8 s, if it is kept: of
  a source that gives keyframes by its own clock some 500 packets are, of others a second.
  `KEYFRAME_NEEDED` says when a switch waits for one (at most every 500 ms per layer), or when
  something was lost for good. An ssrc serves one consumer of a transport and never another: its
  SRTP indices must not begin again (`ValueError`). The ids of header extensions sent are 1…14.
* `set_reporting(transport_id, ssrc=…, cname=…)` has the pump report on what comes in over a
  transport, under this SSRC: receiver reports with its CNAME once a second (RFC 3550 §6.4.2), and
  where transport-wide sequence numbers were negotiated, ten times a second while packets arrive,
  transport-wide feedback by the rules of `mixer.rtp.twcc.FeedbackBuilder`.
* A consumer whose producer has a sender report is reported once a second, and soon after it joins a
  layer, in its own timestamps, with its `cname` if it has one (RFC 3550 §6.4.1, §6.5.1).
* What Python reads: `totals` → `TransportTotals` of each transport asked for; `consumer_bytes` →
  what each consumer asked for has sent; `layer_totals` → `LayerTotals` of a producer's layers that
  have been named; `picture_format` → what a layer's last keyframe said of its pictures (of H.264
  its sequence parameter set, of VP8 the four bytes of its size, b"" before the first); `losses` →
  `(ssrc, expected, lost, arrival_ns)` per consumer on which the peer's report blocks told something
  since the last call; `audio_levels` → `(producer_id, −dBov)` of the loudest packet since the last
  call (RFC 6464); `level_history` → the number of the present tenth of a second, and of each
  producer asked for how loud it was in the 128 before it (−dBov, 127 where no packet came).
* What need not be looked for: `FIRST_PACKET` says that media of a layer begins, or begins again
  after two seconds of silence; `VOICE` that a producer is as loud as speech (−45 dBov) that was not
  when the levels were last read.
* What a peer's transport-wide feedback tells of the line to it, the pump senses itself: whether a
  queue grows, how much arrives, what is lost, silence (`native/line.h`). `LINE` says that a reading
  waits: with every feedback, or, once `set_line_settled(transport_id, True)` was called, only when
  something is amiss, has changed, or a probe's answer is complete. `line(transport_id)` takes the
  reading since the last one (`mixer.rtp.line_reading`), of a settled line of the last 1.5 s at
  most; until it is taken it is told of once a second at most.
* NACKs of consumers are answered in the pump from the producer's history as RTX (RFC 4588), or
  plainly where RTX was not negotiated, under a byte budget. Lost packets of producers are asked
  for again (RFC 4585 generic NACK), a bounded number of times. An `RTCP` event brings every
  compound that holds more than NACKs, transport-wide feedback, reports, source descriptions and
  extended reports, whole; those in it are dealt with already.
* `probe(transport_id, bitrate_bps, duration_ms)` fills what the transport sends up to that rate
  for so long (media counts; at most 500 ms) with repeated packets of its consumers' histories on
  their RTX streams, or padding where there are none, so that the peer's feedback on what was sent
  meanwhile shows what the line carries (`mixer.rtp.probing`). False, and nothing happens, when no
  consumer of it has RTX, or it has no transport-wide sequence numbers. A later call replaces an
  earlier one.

* `pump_stats` counts since the start, `pump_gauges` tells what is there now, `pump_measures` how
  values were spread (`native/counters.h`, `native/measures.h` say what each is).

Unknown ids raise `KeyError`, impossible values `ValueError`, a taken port `OSError`.
"""

from mixer.pump._pump import (
    CODEC_H264,
    CODEC_OPAQUE,
    CODEC_OPUS,
    CODEC_VP8,
    DATAGRAM,
    FIRST_PACKET,
    KEYFRAME_NEEDED,
    LAYER_SWITCHED,
    LAYERS,
    LINE,
    NEW_SSRC,
    PARAMETER_SETS_BYTES,
    RTCP,
    VOICE,
    Address,
    Pump,
    PumpEvent,
    monotonic_ns,
)
from mixer.pump.totals import LayerTotals, TransportTotals

__all__ = [
    "CODEC_H264",
    "CODEC_OPAQUE",
    "CODEC_OPUS",
    "CODEC_VP8",
    "DATAGRAM",
    "FIRST_PACKET",
    "KEYFRAME_NEEDED",
    "LAYERS",
    "LAYER_SWITCHED",
    "LINE",
    "NEW_SSRC",
    "PARAMETER_SETS_BYTES",
    "RTCP",
    "VOICE",
    "Address",
    "LayerTotals",
    "Pump",
    "PumpEvent",
    "TransportTotals",
    "monotonic_ns",
]
