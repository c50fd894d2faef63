"""Keeps an index up to date: `python -m gateway.audit.index.following RECORD`, a process of its own beside the
gateway, so that no session ever waits for it. Ends when its standard input does: with the gateway.
"""

from __future__ import annotations

import os
import select
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Final

from gateway.audit.index import schema
from gateway.audit.index.indexing import Indexer, RecordReplaced

#: From one look at the record to the next.
PAUSE_SECONDS: Final = 1.0
#: After the record or the index could not be read.
TROUBLE_SECONDS: Final = 10.0
#: Sessions come first: whatever else the machine has to do goes before this.
NICE: Final = 10


def follow(directory: Path, ended: int) -> None:
    """Until there is something to read from `ended`, or nobody to write to it."""
    indexer: Indexer | None = None
    connection: sqlite3.Connection | None = None
    said = ""
    while True:
        pause = PAUSE_SECONDS
        try:
            if connection is None:
                connection = schema.writable(directory / schema.FILE)
                indexer = None
            if indexer is None:
                indexer = Indexer(connection, directory)
            indexer.catch_up()
            said = ""
        except RecordReplaced:
            assert connection is not None
            schema.clear(connection)
            indexer = None
        except (sqlite3.Error, OSError) as error:
            if str(error) != said:
                said = str(error)
                sys.stderr.write(f"index: {said}\n")
            if connection is not None:
                connection.close()
            connection = None
            pause = TROUBLE_SECONDS
        if select.select([ended], [], [], pause)[0]:
            break
    if connection is not None:
        connection.close()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway
    os.nice(NICE)
    follow(Path(sys.argv[1]), sys.stdin.fileno())
