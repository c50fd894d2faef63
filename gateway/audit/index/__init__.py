"""Found again: an index over the record's readable part, in one SQLite file beside it.

It is built from the record's files and from nothing else, follows them as they grow, and can be made
anew at any time. It proves nothing: what counts is the record, and `pgcurfew audit verify`.

schema     the tables
shapes     statements that differ in their constants only are kept once
indexing   from the record's lines to the tables, from where it stopped
following  a process beside the gateway that keeps the index up to date
questions  what can be asked
answering  counts, and pages of statements, the latest first
contents   the same over sealed texts and parameters, for who has the key
"""
