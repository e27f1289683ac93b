// Whether a lesson's pictures and sound would reach the server, and how: the first steps of a
// connection (ICE), to an agent of the media core's that answers whoever has its password, and keeps
// nothing of it.
//
// UDP straight to the server is tried alone: of several ways a browser takes the first that answers,
// which need not be the one a lesson would like best. Only where that fails are the others tried.

import type { LineProbe } from "../api/types.ts";

/** How media gets there: as it should, by TCP or a relay, or not at all. */
export type MediaWay = "straight" | "detour" | "none";

const LIMIT_MS = 8000; // a browser gives up a pair that nobody answers after about so long

/** Null where it was stopped meanwhile. Fails where the browser has no connections at all. */
export async function tryMedia(probe: LineProbe, stop: AbortSignal): Promise<MediaWay | null> {
  const straight = probe.udp.map((one, place) => udpCandidate(one, place));
  if (await isAnswered(probe, straight, [], stop)) return "straight";
  const all = [...straight, ...probe.tcp.map((one, place) => tcpCandidate(one, place))];
  const servers = probe.ice_servers.map((one) => ({ ...one }));
  const detour = await isAnswered(probe, all, servers, stop);
  if (stop.aborted) return null;
  return detour ? "detour" : "none";
}

/** One attempt; resolves to false when it is stopped. */
async function isAnswered(
  probe: LineProbe,
  candidates: readonly string[],
  iceServers: RTCIceServer[],
  stop: AbortSignal,
): Promise<boolean> {
  if (candidates.length === 0 || stop.aborted) return false;
  const peer = new RTCPeerConnection({ iceServers });
  const answered = new Promise<boolean>((resolve) => {
    peer.addEventListener("iceconnectionstatechange", () => {
      const state = peer.iceConnectionState;
      if (state === "connected" || state === "completed") resolve(true);
      else if (state === "failed") resolve(false);
    });
    stop.addEventListener("abort", () => resolve(false), { once: true });
    setTimeout(() => resolve(false), LIMIT_MS);
  });
  try {
    peer.createDataChannel("line");
    await peer.setLocalDescription(await peer.createOffer());
    await peer.setRemoteDescription({ type: "answer", sdp: answerOf(probe, candidates) });
    return await answered;
  } finally {
    peer.close();
  }
}

/** What an agent would say that has one data channel and never begins its handshake. */
export function answerOf(probe: LineProbe, candidates: readonly string[]): string {
  const nobody = Array.from({ length: 32 }, () => "00").join(":");
  const lines = [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=ice-lite",
    "a=group:BUNDLE 0",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    "a=mid:0",
    "a=sctp-port:5000",
    "a=setup:active",
    `a=fingerprint:sha-256 ${nobody}`,
    `a=ice-ufrag:${probe.ufrag}`,
    `a=ice-pwd:${probe.password}`,
    ...candidates,
    "a=end-of-candidates",
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}

type Place = LineProbe["udp"][number];

// Priorities as RFC 8445 §5.1.2.1 has them of host candidates; UDP's stand above TCP's.
function udpCandidate({ host, port }: Place, place: number): string {
  return `a=candidate:${place + 1} 1 udp ${2_130_706_431 - place * 256} ${host} ${port} typ host`;
}

function tcpCandidate({ host, port }: Place, place: number): string {
  const priority = 1_671_430_143 - place * 256;
  return `a=candidate:${place + 101} 1 tcp ${priority} ${host} ${port} typ host tcptype passive`;
}
