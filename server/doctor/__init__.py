"""`tongke doctor`: the acceptance test's commands, and what is tried of a server.

    server_check  a server's machine: what it carries, ports, certificate, disks, database, clock
    room_side     the options of a room's check put together
    fitting       a profile proposed from this machine (`tongke profile fit`)
    cli           the command

What is tried in a room, the report and the page are `hardware_profiles.doctor`'s.
"""
