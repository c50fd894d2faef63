"""What is said on the wire: PostgreSQL's frontend/backend protocol, sans I/O (manual, chapter 55).

errors          whose fault it was: the peer's or ours
codec           integers, strings and frames, with strict bounds
startup         the untyped packets that open a connection
authentication  the messages of both sides until AuthenticationOk
copying         CopyData and CopyDone, which both sides say;  reports: ErrorResponse and NoticeResponse
frontend        what a client says;  backend: what a server says
messages        all of them behind one door
values          a value in binary format as its text;  times: dates, times and intervals
frames          bytes in, whole messages (or runs of rows) out
states          which message is legal in which phase, as a table;  connection: the machine over it
scram           proving a password without sending it
trace           one arrow line a message, without secrets
"""
