"""How a peer reaches the pump: connectivity, keys, descriptions.

    stun, ice, rate_limit       who may speak from where (sans-IO, one agent per UDP port)
    dtls                        whose keys: aiortc's handshake, the only user of its private names
    srtp_keys                   the keys derived from them that the pump uses itself
    peer, codecs                what a description says of the transport, of codecs
    header_extensions           the one table of those we speak
    publish_answer              a device offers what it sends, we answer
    m_lines, subscribe_offer    we offer what we send, the device answers; players the other way

Owns nothing that runs: `mixer.node` joins these parts to the pump. Media never comes through here.
"""
