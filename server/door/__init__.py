"""The way in: sockets, patience with slow visitors, the shield, certificates, the pages."""
