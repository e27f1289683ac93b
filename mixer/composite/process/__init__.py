"""The compositor's process: one lesson's program, made beside the server.

`python -m mixer.composite.process` is started, watched and told by the server; one process for each
lesson that needs a program. Nothing in it waits for what is not there:

    control ──────────► reader ──newest pictures──► clock ──canvas──► an encoder for each layer
                     └──► sound, on its own tick                              │
                                └──────────────► feeds' sockets ◄─────────────┘

    messages            what the server and it say to each other
    compositor_process  the control connection: what was said goes to whom it concerns
    reports             the way back
    reading_thread      empties the pictures' taps, decodes what is shown: `tapped_picture`
    clock_thread        composes at every tick what is there; `stage` says what is to be seen
    picture_out         the picture in one codec, and its feed
    encoding_thread     one layer of it: `picture_encoder`, RTP, the feed's socket
    sound_thread        20 ms at every tick, a mix for each audible room: `mix_encoder`
    mix_encoder         one of them; silence is not encoded. By `sound_encoder`
    rtp_sender          packets and reports of one stream
    feed_socket         to the media core, whose queue may hold ten datagrams
    counting            how long pictures took
"""
