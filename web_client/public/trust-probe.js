// Registered for a moment to see whether this PC trusts the server: it does nothing.
