"""People: passwords, signed-in browsers, one-time keys, throttles, and who may do what."""
