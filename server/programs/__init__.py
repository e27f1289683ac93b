"""The programs of lessons: made by a process for each, while somebody takes them.

    service          which lessons have a program now, and how many there may be
    lesson_program   one of them: its process, what it is fed with and what it feeds
    scene            what of the lesson's state is to be seen, and what the lead has chosen
    feeding          one stream on its way from the process into the lesson
    layers           how large and how heavy the picture is

`server.children.compositor` is the process, `mixer.composite` what happens in it. The lesson goes
on whatever becomes of its program: it is begun again, under the same streams.
"""
