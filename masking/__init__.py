"""What a statement means, whether it may run, and what of it may be seen.

Pure: frozen values in, a `Review` out; no I/O, no clock, no randomness.

catalog, policy   the two snapshots a statement is judged over
parse             PostgreSQL's own grammar (pglast), trees as protobuf messages
scope             which FROM entry a name belongs to
analyse           what the statement touches
rules             who may: small functions, one question each
functions, masks  what may be called; what is shown instead of a value
rewrite           each protected relation becomes a subselect of its masked columns
review            the one door: review(sql, policy, catalog) -> Review
verdict           what comes out of that door
"""
