-- Notices that wait to be sent, and for a while what became of them. Times are microseconds since 1970, UTC.

CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    -- What it is about: the same thing is told to the same sink once.
    about TEXT NOT NULL,
    sink TEXT NOT NULL,
    event TEXT NOT NULL,
    -- The notice, as JSON.
    notice TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- When it is due, or whose it is until then; none: nobody is to try it any more.
    next_at INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    delivered_at INTEGER,
    dead_at INTEGER,
    error TEXT NOT NULL DEFAULT '',
    UNIQUE (about, sink),
    CHECK ((next_at IS NULL) = (delivered_at IS NOT NULL OR dead_at IS NOT NULL)),
    CHECK (delivered_at IS NULL OR dead_at IS NULL)
) STRICT;

CREATE INDEX outbox_due ON outbox (sink, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX outbox_by_time ON outbox (created_at);
