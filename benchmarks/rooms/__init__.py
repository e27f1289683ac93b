"""What carries a network camera's picture to the server: Tongke's agent and its peers.

camera        the camera: one encoded classroom, sent by RTSP in a loop, each picture timed
sink          the server: a media core that says when each picture has arrived whole
contenders    who stands between them, each a process of its own
tongke_room   ours
ffmpeg_whip   FFmpeg's whip muxer
gst_whip      GStreamer's rtspsrc and webrtcbin
converting    a camera that browsers do not play
sounding      the room's sound
glass         the whole way, from a camera to a page's pixels
stamp         the time that a picture bears
"""
