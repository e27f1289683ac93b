"""Pictures decoded and encoded again: what browsers do not play, and cameras that give them raw.

Done in a child process for each stream: what a hostile or broken picture does to a decoder it does
to that stream alone, and its cost is known.

    messages    what agent and child say to each other
    target      how large, how often and with how many bits a picture goes out
    decoder     coded pictures to raw ones, progressive
    encoder     raw ones to H.264 that every browser plays
    conversion  the whole, in the child
    __main__    the child
    converter   the child's owner, in the agent
    load        what is left out when the machine cannot follow
    converted   a network camera's packets through it
    packets     encoded pictures as packets once more
    capture     a device of this machine, opened and encoded in the child
"""
