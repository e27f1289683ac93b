"""Certificates by ACME (RFC 8555), proved on the very port that is served (RFC 8737).

Read in only where the setting `acme` is given: a server without it starts no later for it.
"""
