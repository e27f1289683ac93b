"""A recording that leaves its server: one folder or ZIP that plays from a disk, and comes in again.

`form` says what an export is, `making` writes one, `taking` reads one as if a stranger had made it;
`described` and `timeline` put beside the media what other tools read; `page` is the player that
opens from the disk. `docs/archive_format.md` tells the form to strangers.
"""
