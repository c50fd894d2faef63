CREATE SCHEMA extensions;
CREATE EXTENSION pgcrypto SCHEMA extensions;
CREATE EXTENSION hstore SCHEMA extensions;
CREATE EXTENSION citext SCHEMA extensions;
CREATE EXTENSION tablefunc SCHEMA extensions;
CREATE SCHEMA crm;
CREATE SCHEMA vault;
CREATE TYPE crm.mood AS ENUM ('calm', 'cross', 'elated');
CREATE TYPE crm.address AS (street text, number int);
CREATE DOMAIN crm.contact AS varchar(60) CHECK (VALUE ~ '@');
CREATE SEQUENCE crm.ticket_numbers;

CREATE TABLE crm.customers (
    id int PRIMARY KEY,
    name text NOT NULL,
    email varchar(80) UNIQUE,
    phone text,
    card char(16),
    dob date,
    seen timestamptz,
    salary numeric(12,2),
    score float8,
    level int,
    notes text,
    profile json,
    settings jsonb,
    ip inet,
    mood crm.mood,
    contact crm.contact,
    tags text[],
    photo bytea,
    home crm.address,
    nick extensions.citext,
    token uuid,
    internal_code text,
    city text,
    signup date,
    memo text,
    upper_email text GENERATED ALWAYS AS (upper(email)) STORED
);
COMMENT ON COLUMN crm.customers.email IS 'where to write to';
CREATE INDEX ON crm.customers (email);
CREATE INDEX ON crm.customers (lower(notes)) WHERE salary > 500000;
CREATE TABLE crm.vip_customers (lounge text) INHERITS (crm.customers);
CREATE TABLE crm.orders (
    id int PRIMARY KEY,
    customer_id int REFERENCES crm.customers,
    placed date,
    total numeric(10,2),
    comment text,
    ship_to text
);
CREATE TABLE crm.payments (id int, paid date, amount numeric(10,2), iban text, PRIMARY KEY (id, paid))
    PARTITION BY RANGE (paid);
CREATE TABLE crm.payments_2024 PARTITION OF crm.payments FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE crm.payments_2025 PARTITION OF crm.payments DEFAULT;
CREATE TABLE crm.events (id int PRIMARY KEY, email text, what text);
CREATE TABLE vault.secrets (id int PRIMARY KEY, word text);

CREATE VIEW crm.customer_mail AS SELECT id, email, name AS who FROM crm.customers;
CREATE VIEW crm.guarded WITH (security_barrier) AS SELECT id, email, city FROM crm.customers WHERE id > 0;
CREATE VIEW crm.secret_view AS SELECT * FROM vault.secrets;
CREATE MATERIALIZED VIEW crm.mail_copy AS SELECT id, email FROM crm.customers WITH NO DATA;
CREATE FUNCTION crm.all_customers() RETURNS SETOF crm.customers LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM crm.customers';
CREATE FUNCTION crm.email_of(int) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT email FROM crm.customers WHERE id = $1';
CREATE FUNCTION crm.display(crm.customers) RETURNS text LANGUAGE sql AS 'SELECT $1.email';
CREATE FUNCTION crm.run(text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'DECLARE r text; BEGIN EXECUTE $1 INTO r; RETURN r; END';
CREATE FUNCTION crm.is_rich(numeric) RETURNS bool LANGUAGE sql AS 'SELECT $1 > 900000';
CREATE FUNCTION crm.same_mail(text, int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM crm.customers WHERE email = $1 AND id = $2)';
CREATE OPERATOR crm.@@@ (LEFTARG = text, RIGHTARG = int, FUNCTION = crm.same_mail);
CREATE TYPE crm.tone AS ENUM ('low', 'high');
CREATE FUNCTION crm.tone_email(crm.tone) RETURNS text LANGUAGE sql AS 'SELECT min(email) FROM crm.customers';
CREATE CAST (crm.tone AS text) WITH FUNCTION crm.tone_email;
CREATE TABLE crm.calls (id int, tone crm.tone, tones crm.tone[]);
INSERT INTO crm.calls VALUES (1, 'low', '{high}');

-- Plans: twin a has many words that are short, twin b few that are long; both have the same number of bytes.
CREATE TABLE crm.measures (id int PRIMARY KEY, kind text, word text, pad text);
CREATE VIEW crm.labelled AS SELECT id, city FROM crm.customers WHERE notes <> 'zqxalpha' AND internal_code <> 'wvkbravo';
CREATE VIEW crm.over_labelled AS SELECT l.id, o.total FROM crm.labelled l JOIN crm.orders o ON o.id = l.id;
CREATE VIEW crm.with_notes AS SELECT id, city FROM crm.customers WHERE notes IS NOT NULL AND seen IS NOT NULL;
CREATE VIEW crm.plain_orders AS SELECT o.id, e.what FROM crm.events o JOIN crm.events e ON e.id = o.id;
CREATE TABLE crm.guests (id int, room text);
INSERT INTO crm.guests VALUES (1, 'zqxalpha'), (2, 'wvkbravo'), (3, 'open');
ALTER TABLE crm.guests ENABLE ROW LEVEL SECURITY;
CREATE POLICY open_rooms ON crm.guests USING (room <> 'zqxalpha' AND room <> 'wvkbravo');
CREATE FUNCTION crm.polite(text, text DEFAULT 'zqxalpha wvkbravo') RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION crm.rooms() RETURNS SETOF crm.events LANGUAGE sql STABLE
    AS 'SELECT * FROM crm.events WHERE what <> ''zqxalpha wvkbravo''';

-- Code of the owner's that runs over raw values and says so.
CREATE FUNCTION crm.shout(text) RETURNS text LANGUAGE plpgsql AS
    'BEGIN RAISE NOTICE ''heard %'', $1; RAISE WARNING USING MESSAGE = $1, ERRCODE = ''23505''; RETURN ''x''; END';
CREATE FUNCTION crm.fail(text) RETURNS text LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''heard %'', $1 USING HINT = $1, ERRCODE = ''42501'', COLUMN = $1; END';
CREATE FUNCTION crm.dynamic(text) RETURNS int LANGUAGE plpgsql AS
    'DECLARE n int; BEGIN EXECUTE ''SELECT '' || split_part($1, '' '', 2) INTO n; RETURN n; END';
CREATE FUNCTION crm.stumble(int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN RETURN (SELECT notes::int FROM crm.customers WHERE id = $1); END';
CREATE FUNCTION crm.inlined(int) RETURNS SETOF int LANGUAGE sql STABLE AS
    'SELECT notes::int FROM crm.customers WHERE id = $1';
CREATE VIEW crm.loud AS
    SELECT id, city, crm.shout(notes) AS shout, CASE WHEN id > 5 THEN crm.fail(notes) END AS fails,
           CASE WHEN id > 0 THEN crm.dynamic(notes) END AS runs FROM crm.customers;
CREATE VIEW crm.reckoned AS SELECT id, notes::int AS n, split_part(notes, ' ', 2)::regclass AS r,
    to_tsquery('simple', notes) AS q FROM crm.customers;
CREATE VIEW crm.called AS SELECT i AS id FROM crm.inlined(1) i;
CREATE FUNCTION crm.tell() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE NOTICE ''was %'', OLD.word; IF NEW.place = ''boom'' THEN PERFORM crm.fail(OLD.word); END IF; RETURN NEW; END';
CREATE FUNCTION crm.tell_all() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''all of %'', (SELECT string_agg(word, '','') FROM crm.desk); END';
CREATE TABLE crm.desk (
    id int PRIMARY KEY,
    word text,
    place text CHECK (length(place) < 9),
    size int GENERATED ALWAYS AS (CASE place WHEN 'bad' THEN word::int ELSE 1 END) STORED
);
CREATE TABLE crm.checked_desk (id int PRIMARY KEY, word text, place text, CHECK (place <> 'worse' OR word::int > 0));
CREATE INDEX ON crm.desk ((CASE place WHEN 'bent' THEN word::int ELSE 1 END));
CREATE TRIGGER tells BEFORE UPDATE ON crm.desk FOR EACH ROW EXECUTE FUNCTION crm.tell();
CREATE TABLE crm.bells (id int PRIMARY KEY, place text);
CREATE TRIGGER tells_all AFTER INSERT ON crm.bells FOR EACH ROW EXECUTE FUNCTION crm.tell_all();
CREATE TABLE crm.reports (id int PRIMARY KEY, place text);
CREATE CONSTRAINT TRIGGER tells_later AFTER INSERT ON crm.reports DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION crm.tell_all();
CREATE TABLE crm.watched (id int, place text, word text);
ALTER TABLE crm.watched ENABLE ROW LEVEL SECURITY;
CREATE POLICY watching ON crm.watched USING (crm.shout(word) = 'x' AND (id < 1 OR word::int > 0));
CREATE EXTENSION file_fdw SCHEMA extensions;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE crm.afar (id int, n int) SERVER files OPTIONS (program 'echo', format 'csv');
CREATE FUNCTION crm.is_known(text) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN RETURN $1 = ''nobody'' OR EXISTS (SELECT FROM crm.customers WHERE email = $1); END';
CREATE DOMAIN crm.known_mail AS text CHECK (crm.is_known(VALUE));
CREATE DOMAIN crm.known_again AS crm.known_mail;
CREATE TABLE crm.replies (id int, sender crm.known_mail);
CREATE TABLE crm.threads (id int, senders crm.known_mail[]);
INSERT INTO crm.replies VALUES (1, 'nobody');
INSERT INTO crm.threads VALUES (1, '{nobody}');
CREATE TYPE crm.rank AS (n int);
CREATE FUNCTION crm.rank_order(crm.rank, crm.rank) RETURNS int LANGUAGE plpgsql AS
    'BEGIN RAISE NOTICE ''%'', (SELECT min(notes) FROM crm.customers); RETURN ($1).n - ($2).n; END';
CREATE FUNCTION crm.rank_below(crm.rank, crm.rank) RETURNS bool LANGUAGE sql AS 'SELECT crm.rank_order($1, $2) < 0';
CREATE OPERATOR crm.< (LEFTARG = crm.rank, RIGHTARG = crm.rank, FUNCTION = crm.rank_below);
CREATE OPERATOR CLASS crm.ranks DEFAULT FOR TYPE crm.rank USING btree AS OPERATOR 1 crm.<, FUNCTION 1 crm.rank_order;
CREATE TABLE crm.ranked (id int, rank crm.rank);
INSERT INTO crm.ranked VALUES (1, ROW(1)), (2, ROW(2)), (3, ROW(1));

-- What nobody was given: nothing may tell its name.
CREATE SCHEMA qwhidden_schema;
CREATE TABLE vault.qwhidden (id serial PRIMARY KEY, qwhidden_column text DEFAULT 'qwhidden' CHECK (qwhidden_column <> ''), customer int REFERENCES crm.customers);
CREATE TABLE crm.qwhidden_here (LIKE vault.qwhidden INCLUDING ALL);
COMMENT ON TABLE crm.qwhidden_here IS 'qwhidden';
COMMENT ON COLUMN crm.qwhidden_here.id IS 'qwhidden';
CREATE VIEW crm.qwhidden_view AS SELECT * FROM crm.qwhidden_here;
CREATE MATERIALIZED VIEW crm.qwhidden_copy AS SELECT * FROM crm.qwhidden_here;
CREATE FUNCTION vault.qwhidden_function(qwhidden_argument int DEFAULT 7) RETURNS int LANGUAGE sql AS 'SELECT $1';
COMMENT ON FUNCTION vault.qwhidden_function(int) IS 'qwhidden';
CREATE FUNCTION vault.qwhidden_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER qwhidden_fires BEFORE INSERT ON crm.qwhidden_here FOR EACH ROW EXECUTE FUNCTION vault.qwhidden_trigger();
CREATE AGGREGATE vault.qwhidden_sum(int) (SFUNC = int4pl, STYPE = int);
CREATE OPERATOR crm.### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
CREATE POLICY qwhidden_policy ON crm.qwhidden_here USING (true);
CREATE RULE qwhidden_rule AS ON DELETE TO crm.qwhidden_here DO INSTEAD NOTHING;
CREATE STATISTICS crm.qwhidden_statistics ON id, customer FROM crm.qwhidden_here;
ALTER TABLE crm.orders ADD COLUMN ref int CONSTRAINT qwhidden_key REFERENCES crm.qwhidden_here;
CREATE PUBLICATION pub FOR TABLE crm.qwhidden_here;

GRANT USAGE ON SCHEMA crm, vault, qwhidden_schema, extensions TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA crm, vault TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA crm TO PUBLIC;
