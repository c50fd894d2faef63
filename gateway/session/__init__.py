"""One session, from the first byte to the last.

A sequence reads as a coroutine, an interleaving as a machine:

handshake   the door: TLS, startup, token, upstream; ends in a session or a FATAL
upstream    the target's own login: TLS, SCRAM, pinned settings
catalog     the snapshot that statements are judged over; snapshots keeps it fresh
judge       review, remembered
relay       event in, commands out: what the client and the upstream say to each other
statements  which statement a name stands for
replies     whose answer is whose
refusals    a Refusal or an upstream error in the words that go to the client
commands    what the relay asks for
live        a relay on two channels, with its timers
cancel      CancelRequest, by a key that only the client knows
"""
