-- Keys that sign tokens, with public halves only; and what a token is bound to, when it was used and revoked.

CREATE TABLE signing_keys (
    -- The token's kid.
    id TEXT PRIMARY KEY,
    -- The Ed25519 public key as a JWK has it (RFC 8037): base64url of 32 bytes.
    public TEXT NOT NULL UNIQUE CHECK (length(public) = 43),
    added_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    struck_at INTEGER,
    struck_by TEXT,
    struck_reason TEXT,
    CHECK ((struck_at IS NULL) = (struck_by IS NULL) AND (struck_at IS NULL) = (struck_reason IS NULL))
) STRICT, WITHOUT ROWID;

ALTER TABLE tokens ADD COLUMN signing_key TEXT NOT NULL DEFAULT '';
-- When sessions that it opened end; none: with their grant.
ALTER TABLE tokens ADD COLUMN session_ends_at INTEGER;
ALTER TABLE tokens ADD COLUMN once INTEGER NOT NULL DEFAULT 0 CHECK (once IN (0, 1));
ALTER TABLE tokens ADD COLUMN used_at INTEGER;
ALTER TABLE tokens ADD COLUMN sessions INTEGER;
-- Networks, with blanks between them; empty: from everywhere.
ALTER TABLE tokens ADD COLUMN networks TEXT NOT NULL DEFAULT '';
-- The SHA-256 of a client certificate (RFC 8705); empty: without.
ALTER TABLE tokens ADD COLUMN certificate TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN revoked_at INTEGER;
ALTER TABLE tokens ADD COLUMN revoked_by TEXT;
ALTER TABLE tokens ADD COLUMN revoked_reason TEXT;

CREATE INDEX tokens_by_key ON tokens (signing_key, ends_at);
