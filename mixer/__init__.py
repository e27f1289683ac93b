"""The media core. Its face is `node`; `model` has the nouns, `errors` what can go wrong.

rtp          packets, feedback, payload formats, rates: pure
pump         one native thread a port; no Python object per media packet
transport    ICE, DTLS, descriptions: how a peer reaches the pump
forward      which layer, which rate, which keyframe, who is heard: pure
reading      from a tap's datagrams to whole pictures and sounds
libopus      decoding and encoding a voice, through ctypes
node         lessons, publications, subscriptions, feeds, taps
composite    the program: one picture and one sound made of all of a lesson's
"""
