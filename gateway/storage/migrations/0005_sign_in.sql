-- How people sign in. Digests are SHA-256 in hex; no password, code, invitation or token is kept itself.
-- Times are microseconds since 1970, UTC.

CREATE TABLE local_logins (
    person TEXT PRIMARY KEY REFERENCES people (name),
    -- Argon2id, in PHC format.
    password TEXT NOT NULL CHECK (password LIKE '$argon2id$%'),
    -- The secret of the second factor, encrypted with the key of [sign_in].
    totp TEXT NOT NULL,
    -- The last time step whose code was used.
    last_step INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE recovery_codes (
    person TEXT NOT NULL REFERENCES people (name),
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    PRIMARY KEY (person, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
    person TEXT NOT NULL UNIQUE REFERENCES people (name),
    made_by TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    totp TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE sign_ins (
    digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
    id TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL REFERENCES people (name),
    kind TEXT NOT NULL CHECK (kind IN ('cli', 'web', 'service')),
    -- Words with a blank between them.
    scopes TEXT NOT NULL,
    how TEXT NOT NULL,
    client TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL CHECK (ends_at > made_at)
) STRICT;

CREATE INDEX sign_ins_by_person ON sign_ins (person, made_at);
CREATE INDEX sign_ins_by_end ON sign_ins (ends_at);

CREATE TABLE sign_in_attempts (
    -- "person:NAME" or "address:NETWORK"; names that are nobody's are counted as well.
    subject TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    shut_until INTEGER NOT NULL
) STRICT;

CREATE INDEX sign_in_attempts_by_time ON sign_in_attempts (last_at);

CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES people (name),
    bound_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (person, issuer)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_sign_ins (
    digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
    kind TEXT NOT NULL CHECK (kind IN ('code', 'device')),
    bound_to TEXT NOT NULL,
    -- A JSON object.
    content TEXT NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;

CREATE INDEX pending_sign_ins_by_end ON pending_sign_ins (ends_at);
