"""The floor: forwarding without an SFU, the least that any server can cost."""
