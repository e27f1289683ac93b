"""The archive: what happens in a lesson is written down as it happens, and becomes its recording.

`python -m recorder` is a process of its own (`process`), fed by the media core's taps: plain RTP
in Unix datagrams. Nothing is decoded or encoded while a lesson runs. A recording is a folder: a
journal (`journal`, `records`), the sources as fragmented files (`track`, `segment_file`), and,
after the lesson, what the player plays (`finish`). `docs/recording.md` tells the whole of it.
"""
