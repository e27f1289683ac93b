"""The program for those who watch it elsewhere: from the core's taps to HLS, RTMP and SRT.

    sender_clock   where a stream's timestamps lie in Unix time, by its sender's reports
    program_reader the program's picture and sound: datagrams of two taps in, media out
    sound_format   what its sound is
    aac_sound      the mix as AAC: what every player, television and platform takes
    fmp4           fragmented MP4, as bytes
    segmenter      parts and segments of low-latency HLS, a window of them
    playlist       what is in the window, as text
    push           a process that sends the program to one RTMP or SRT server

All but `push` is sans-IO: whoever calls brings time and datagrams.
"""
