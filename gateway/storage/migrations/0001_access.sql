-- People, requests, decisions, grants, tokens. Times are microseconds since 1970, UTC.

CREATE TABLE people (
    name TEXT PRIMARY KEY,
    locked INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1)),
    -- SHA-256 of the login credential; the credential itself is nowhere.
    credential BLOB NOT NULL UNIQUE CHECK (length(credential) = 32)
) STRICT;

CREATE TABLE memberships (
    person TEXT NOT NULL REFERENCES people (name),
    "group" TEXT NOT NULL,
    PRIMARY KEY (person, "group")
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (name),
    target TEXT NOT NULL,
    role TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason <> ''),
    seconds INTEGER NOT NULL CHECK (seconds > 0),
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > asked_at),
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'cancelled'))
) STRICT;

CREATE INDEX requests_pending ON requests (expires_at) WHERE state = 'pending';
CREATE INDEX requests_by_time ON requests (asked_at);
CREATE INDEX requests_by_person ON requests (person, asked_at);
CREATE INDEX requests_by_role ON requests (role, asked_at);

-- The last line of defence behind gateway.access.requests: a request leaves "pending" once.
-- [sqlite]
CREATE TRIGGER requests_leave_pending_once BEFORE UPDATE OF state ON requests
WHEN OLD.state <> 'pending'
BEGIN
    SELECT RAISE(ABORT, 'the request is no longer pending');
END;
-- [postgresql]
CREATE FUNCTION requests_leave_pending_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the request is no longer pending';
END
$$;
CREATE TRIGGER requests_leave_pending_once BEFORE UPDATE OF state ON requests
FOR EACH ROW WHEN (OLD.state <> 'pending') EXECUTE FUNCTION requests_leave_pending_once();
-- [both]

CREATE TABLE decisions (
    request TEXT NOT NULL REFERENCES requests (id),
    by TEXT NOT NULL REFERENCES people (name),
    vote TEXT NOT NULL CHECK (vote IN ('approve', 'deny')),
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (request, by)
) STRICT, WITHOUT ROWID;

-- [sqlite]
CREATE TRIGGER decisions_are_not_on_own_requests BEFORE INSERT ON decisions
WHEN NEW.by = (SELECT person FROM requests WHERE id = NEW.request)
BEGIN
    SELECT RAISE(ABORT, 'nobody decides on their own request');
END;
-- [postgresql]
CREATE FUNCTION decisions_are_not_on_own_requests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW."by" = (SELECT person FROM requests WHERE id = NEW.request) THEN
        RAISE EXCEPTION 'nobody decides on their own request';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decisions_are_not_on_own_requests BEFORE INSERT ON decisions
FOR EACH ROW EXECUTE FUNCTION decisions_are_not_on_own_requests();
-- [both]

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL UNIQUE REFERENCES requests (id),
    person TEXT NOT NULL REFERENCES people (name),
    target TEXT NOT NULL,
    role TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- A JSON array of names.
    approvers TEXT NOT NULL CHECK (approvers LIKE '["%"]'),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL CHECK (ends_at > starts_at),
    revoked_at INTEGER,
    revoked_by TEXT REFERENCES people (name),
    revoked_reason TEXT,
    ended_at INTEGER,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL) AND (revoked_at IS NULL) = (revoked_reason IS NULL))
) STRICT;

CREATE INDEX grants_open ON grants (ends_at) WHERE revoked_at IS NULL AND ended_at IS NULL;
CREATE INDEX grants_by_time ON grants (starts_at);
CREATE INDEX grants_by_person ON grants (person, starts_at);
CREATE INDEX grants_by_role ON grants (role, starts_at);

-- [sqlite]
CREATE TRIGGER grants_end_once BEFORE UPDATE ON grants
WHEN OLD.revoked_at IS NOT NULL
    OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS NOT OLD.ended_at)
    OR NEW.ends_at > OLD.ends_at
BEGIN
    SELECT RAISE(ABORT, 'a grant that ended stays ended');
END;
-- [postgresql]
CREATE FUNCTION grants_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a grant that ended stays ended';
END
$$;
CREATE TRIGGER grants_end_once BEFORE UPDATE ON grants
FOR EACH ROW WHEN (
    OLD.revoked_at IS NOT NULL
    OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
    OR NEW.ends_at > OLD.ends_at
) EXECUTE FUNCTION grants_end_once();
-- [both]

CREATE TABLE tokens (
    -- The token's jti; its text is nowhere.
    id TEXT PRIMARY KEY,
    "grant" TEXT NOT NULL REFERENCES grants (id),
    person TEXT NOT NULL REFERENCES people (name),
    issued_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL CHECK (ends_at > issued_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_grant ON tokens ("grant");

-- Facts of changes made on this host by another process, which the running gateway records.
CREATE TABLE handed_over (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fact TEXT NOT NULL
) STRICT;
