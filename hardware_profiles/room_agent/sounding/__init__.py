"""A room's microphone and loudspeaker, in a child of the room agent.

    alsa       this machine's sound devices, through libasound
    cards      which of them is meant, by a name that stays
    coded      a camera's sound: packets to samples
    desk       the child's work: one block of 10 ms after the other, played and taken
    echo       what is played is taken out of what is heard; noise; gain
    frames     samples to the 20 ms that Opus packs, with their place in time
    packets    what is sent of it: Opus, its time and loudness
    faults     what can be wrong with a microphone that is there
    health     a microphone that gives nothing, clips, or counts wrongly
    voices     the other rooms' sounds, to one

`health`, `frames` and `voices` take time as an argument.
"""
