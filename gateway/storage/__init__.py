"""What is kept, and how.

opening       the store that the settings name, opened
database      what a store needs of a database, in one SQL for both of them
sqlite        one file: connections, transactions, durability
postgres      a server, for more than one gateway: the same over asyncpg
migrate       numbered .sql files, applied in order, once
migrations/   the files
access_store  all of the below: implements gateway.access.store
people requests grants emergencies issued door handed_over clock outbox sign_in_store
              its tables, one module a concern; lists, times: what they share
"""
