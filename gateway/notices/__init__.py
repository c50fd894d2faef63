"""What people and other systems are told, and how it gets there.

notice    one message: what happened, to whom it matters; and its wording
outbox    the port to what waits to be sent; `gateway.storage.outbox` keeps it beside the grants
announce  a store whose changes leave their notices in the same transaction
desk      what administrators see of it, and do about it
postman   sends what waits, one sink not minding another
webhook, slack, mail, syslog   the sinks
"""
