"""The program: what a lesson's pictures and sounds are made into, one picture and one sound.

    layouts          where pictures stand, as data: one definition for server, pages and compositor
    arrange          who stands where: seats and a layout in, tiles out
    director         which layout, and who is large, when nobody says so: a policy in virtual time
    motion           whether a shared screen changes, which camera shows life
    lesson_time      when what arrives happened, by senders' reports
    picture_reader   a tap's datagrams to whole frames; what was lost is known
    picture_decoder  frames to planes; hostile ones end here
    compositor       tiles, pictures and marks to one picture: `scaling`, `lettering`, `badges`
    voice            packets to 20 ms of sound a tick: `jitter_buffer`, `mixer.libopus`
    quiet_packets    what of a room that is not heard need not be decoded
    loudness         how loud a room is, and the slow gain that makes all alike
    noise_gate       an empty classroom's hum is no voice
    mixing           everybody hears all but themselves, and nothing clips
    sound_desk       all of the sound: taps in, mixes out at every tick

    process          runs all of it beside the server: sockets, threads, encoders

No I/O and no clock but in `process`. The pages' `layouts.ts` is made by `typescript`.
"""
