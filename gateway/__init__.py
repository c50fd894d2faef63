"""The house, in floors: each knows only those below it.

cli      what people type
app      the composition root: the one place that knows the concrete classes
server   sockets, TLS, deadlines      | admin    the HTTP API
session  handshake, relay             | storage  SQLite behind the ports
channel  bytes in and out of one connection
access   requests, grants, tokens
audit    the record: facts, chain, seal, replay
"""
