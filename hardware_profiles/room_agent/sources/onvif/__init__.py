"""A camera's settings by ONVIF: what browsers do not play is asked to be another way.

xml           answers read: bounded, no DTD
envelope      SOAP 1.2 around a request, WS-UsernameToken in it
media         the requests and answers of the device and media services (ONVIF Core, Media 1)
conversation  what is asked after what: sans-IO
post          the thin way there: HTTP POST to one host
errors        what can go wrong
"""
