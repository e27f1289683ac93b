"""The lesson's program for those who watch it elsewhere: low-latency HLS, and pushes.

    service      which lessons are put out now, for whom, and until when
    watch_keys   by what a player is let in
    hls          one lesson's HLS: its taps, what is waited for
    local_tap    one stream on its way from the core into this process
    pushing      one RTMP or SRT server that is sent the program
    remembered   which pushes go on after a restart
    targets      where one may push to, in words and without its secret

`mixer.outputs` makes media of it. None of it is a device of the lesson: it holds the program
(`server.programs`) as long as somebody plays.
"""
