// The little that a client must read in a session description (RFC 8866). Pure.

/**
 * What tells one DTLS session from another: the id in `o=` and the peer's fingerprints. An ICE
 * restart keeps both; a restarted server or a rebuilt transport changes at least one.
 */
export function sessionOf(sdp: string): string {
  const origin = /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? "";
  const fingerprints = [...sdp.matchAll(/^a=fingerprint:(.*)$/gm)].map((match) => match[1]?.trim());
  return [origin, ...new Set(fingerprints)].join(" ").toLowerCase();
}
