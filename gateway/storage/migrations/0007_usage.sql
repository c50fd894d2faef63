-- What people do on a usual day, as sums by day, and the networks that they came from.
-- Times are microseconds since 1970, UTC; a day is the number of days since 1970-01-01, UTC.

CREATE TABLE usage (
    person TEXT NOT NULL,
    role TEXT NOT NULL,
    day INTEGER NOT NULL,
    -- DayUse as JSON.
    sums TEXT NOT NULL,
    PRIMARY KEY (person, role, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_by_day ON usage (day);

CREATE TABLE networks (
    person TEXT NOT NULL,
    network TEXT NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (person, network)
) STRICT, WITHOUT ROWID;
