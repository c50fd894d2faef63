-- Parts of roles, versions of requests, extensions, scheduled starts, grants that lapse or are handed back, emergencies.

ALTER TABLE requests ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);
-- JSON: relation to columns; empty for the whole role.
ALTER TABLE requests ADD COLUMN extent TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN starts_at INTEGER;
-- The grant that is to go on.
ALTER TABLE requests ADD COLUMN extends TEXT REFERENCES grants (id);

-- Decisions belong to the version that was decided on; those on earlier ones are kept and count nothing.
CREATE TABLE decisions_on_versions (
    request TEXT NOT NULL REFERENCES requests (id),
    version INTEGER NOT NULL,
    by TEXT NOT NULL REFERENCES people (name),
    vote TEXT NOT NULL CHECK (vote IN ('approve', 'deny')),
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- Approved for less than was asked.
    seconds INTEGER CHECK (seconds > 0),
    extent TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (request, version, by)
) STRICT, WITHOUT ROWID;

INSERT INTO decisions_on_versions (request, version, by, vote, reason, at)
SELECT request, 1, by, vote, reason, at FROM decisions;

DROP TABLE decisions;

ALTER TABLE decisions_on_versions RENAME TO decisions;

-- [sqlite]
CREATE TRIGGER decisions_are_not_on_own_requests BEFORE INSERT ON decisions
WHEN NEW.by = (SELECT person FROM requests WHERE id = NEW.request)
BEGIN
    SELECT RAISE(ABORT, 'nobody decides on their own request');
END;
-- [postgresql]
CREATE TRIGGER decisions_are_not_on_own_requests BEFORE INSERT ON decisions
FOR EACH ROW EXECUTE FUNCTION decisions_are_not_on_own_requests();
-- [both]

ALTER TABLE grants ADD COLUMN ended_as TEXT NOT NULL DEFAULT 'ended' CHECK (ended_as IN ('ended', 'done', 'lapsed'));
ALTER TABLE grants ADD COLUMN lapses_at INTEGER;
ALTER TABLE grants ADD COLUMN first_used_at INTEGER;
ALTER TABLE grants ADD COLUMN how TEXT NOT NULL DEFAULT 'approved' CHECK (how IN ('approved', 'auto', 'break-glass'));
ALTER TABLE grants ADD COLUMN extent TEXT NOT NULL DEFAULT '';

CREATE INDEX grants_unused ON grants (lapses_at)
    WHERE first_used_at IS NULL AND revoked_at IS NULL AND ended_at IS NULL AND lapses_at IS NOT NULL;

-- An extension moves the end of a grant that goes on; whatever is over stays as it was.
-- [sqlite]
DROP TRIGGER grants_end_once;

CREATE TRIGGER grants_end_once BEFORE UPDATE ON grants
WHEN OLD.revoked_at IS NOT NULL
    OR (OLD.ended_at IS NOT NULL
        AND (NEW.ended_at IS NOT OLD.ended_at OR NEW.ends_at <> OLD.ends_at OR NEW.ended_as <> OLD.ended_as))
    OR (OLD.first_used_at IS NOT NULL AND NEW.first_used_at IS NOT OLD.first_used_at)
    OR NEW.starts_at <> OLD.starts_at
    OR NEW.person <> OLD.person
    OR NEW.extent <> OLD.extent
BEGIN
    SELECT RAISE(ABORT, 'a grant that ended stays ended');
END;
-- [postgresql]
DROP TRIGGER grants_end_once ON grants;

CREATE TRIGGER grants_end_once BEFORE UPDATE ON grants
FOR EACH ROW WHEN (
    OLD.revoked_at IS NOT NULL
    OR (OLD.ended_at IS NOT NULL
        AND (NEW.ended_at IS DISTINCT FROM OLD.ended_at OR NEW.ends_at <> OLD.ends_at OR NEW.ended_as <> OLD.ended_as))
    OR (OLD.first_used_at IS NOT NULL AND NEW.first_used_at IS DISTINCT FROM OLD.first_used_at)
    OR NEW.starts_at <> OLD.starts_at
    OR NEW.person <> OLD.person
    OR NEW.extent <> OLD.extent
) EXECUTE FUNCTION grants_end_once();
-- [both]

-- Grants that nobody had approved beforehand, and their reviews.
CREATE TABLE emergencies (
    "grant" TEXT PRIMARY KEY REFERENCES grants (id),
    person TEXT NOT NULL REFERENCES people (name),
    due_at INTEGER NOT NULL,
    reviewed_at INTEGER,
    reviewed_by TEXT REFERENCES people (name),
    review TEXT,
    locked_at INTEGER,
    CHECK ((reviewed_at IS NULL) = (reviewed_by IS NULL) AND (reviewed_at IS NULL) = (review IS NULL)),
    CHECK (reviewed_by <> person)
) STRICT, WITHOUT ROWID;

CREATE INDEX emergencies_open ON emergencies (due_at) WHERE reviewed_at IS NULL;
CREATE INDEX emergencies_by_person ON emergencies (person);

-- The time that was noted last: a clock set back while nothing ran revives nothing.
CREATE TABLE latest (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    seen_at INTEGER NOT NULL
) STRICT;

INSERT INTO latest (only_one, seen_at) VALUES (1, 0);
