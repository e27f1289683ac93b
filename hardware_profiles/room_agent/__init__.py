"""The room agent: sends what a room's cameras see into its lessons, by itself, and its sound where
the room's profile says so.

    sources/     where pictures come from: network cameras (`rtsp`, set by `onvif`), this machine's
                 devices (`usb`)
    whole/       a camera's packets put together, where they have to be decoded
    converting/  decoded and encoded again, in a child of its own
    passing/     a camera's H.264 as browsers can take it
    sounding/    microphone and loudspeaker, in a child of its own
    camera       one stream of a camera: asked again and again
    camera_setting  what a network camera is asked to be, by ONVIF
    out_layer    one picture stream as it leaves for the server
    line         how many layers the line carries
    offer        the words of the publish offer for it
    sending      the publish connection: ready packets through DTLS
    departure    their way out: protected and sent together
    sound        the room's sound: the child's life, and a camera's sound on its way to it
    sound_way    the sound as it leaves for the server
    carrying     whose microphone the room is heard by, and what is played
    hearing      the receiving connection of an agent that plays
    participant  what the agent does in a lesson
    agent        the whole: in the lesson by itself, cameras sent
    passwords    the cameras' passwords, kept on the room's machine
    timetable    what comes, known without the server too (`timetable_file`: on the disk)
    room_tokens  how it gets into its lessons, and keeps that timetable true
    kiosk        the room's page beside it (`browsers`: which one, and how it is called)
    status_page  what the agent does, for that machine alone

Sans-IO below, time as an argument; what touches the network is thin and says so.
"""
