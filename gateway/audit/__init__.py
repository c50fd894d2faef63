"""The record: what happened, written before it happens, and impossible to change unseen.

facts    what can be said (frozen, no I/O)
seal     the original text and parameters, for auditors' eyes only
chain    each line carries the hash of the one before it
ledger   what the ledger says: logs opened and closed, signed checkpoints
journal  one file that grows by whole lines or not at all
recover  after a crash: how far did each log get?
session  the record of one session
record   the recorder: one log a session, a control log, the ledger over them
verify   is it whole, and if not, where does it break
lines    a log's lines, also when its file was compressed
tailing  sessions while they go on
ocsf     the same in OCSF's words
evidence a grant's whole story, signed, for others
index    found again: by who, what and when
group    group commit: one fdatasync for the events of all sessions
commits  what a group wrote, to make the logs up from after a power cut
takeover a new gateway takes the record over
keeping  files that nobody writes any more: compressed, and removed when their time is over
copying  copies of closed files elsewhere, never written again
rounds   what the recorder does by itself, again and again
replay   a session, statement by statement
visible  recorded text, safe to show
metrics  the same facts, counted
"""
