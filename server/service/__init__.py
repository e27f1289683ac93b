"""Tongke as a service of the machine: its systemd unit (`unit`), put there and away (`cli`)."""
