"""What is kept, and how.

database      one SQLite file: connections, transactions, durability
migrate       numbered .sql files, applied in order, once
migrations/   the files
access_store  people, requests, grants and tokens in it: implements gateway.access.store
"""
