"""The record: what happened, written before it happens, and impossible to change unseen.

facts    what can be said (frozen, no I/O)
seal     the original text and parameters, for auditors' eyes only
chain    each line carries the hash of the one before it
record   files of lines: one a session, a ledger over them, signed checkpoints
verify   is it whole, and if not, where does it break
replay   a session, statement by statement
metrics  the same facts, counted
"""
