"""A recorded lesson as one film: one picture and one sound, as the class saw and heard it.

`scenes` says what was to be seen at each moment (from the manifest, in virtual time), `pictures`
decodes what is shown, `making` composes and encodes: a process of its own, with the compositor's
own layouts, director and drawing (`mixer.composite`). `order` is what it is asked for.
"""
