"""The acceptance test: what a room's machine can do, tried and not believed.

    findings   what was found of one thing, and all of it: in words, in numbers, as JSON
    words      the names of what is looked at
    pictures   is a camera's picture there, moving, and as large as the profile says
    look       a camera watched for some seconds; its pictures decoded in a child
    looking    that child
    loop       what was said and played, in what was heard
    sound      microphone and speaker of this machine, played and recorded in a child
    sounding   that child
    speed      how many pixels a second this machine decodes and encodes
    speeding   that child
    line       is a measured line good enough, and as good as the profile says
    stun       one check of the way (RFC 8489) and its answer
    line_probe the line to the server, measured
    machine    clock, disk, memory
    found      which cameras and microphones there are, by the kernel's lists
    opening    the profile's cameras, to be tried
    child      a child with a time of its own
    room       all of it, one after the other, each within its time
    page       the report on paper: HTML in both languages
    propose    a room profile proposed from what this machine has

What judges (`pictures`, `loop`, `line`) does no I/O. Whatever opens a device or decodes runs in a
child with a time of its own: nothing that hangs there holds the report up.
"""
