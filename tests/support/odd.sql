-- A database for the desk: values that must not come out of a scan, and names that want to do harm.
CREATE TABLE public.people (
    id bigint PRIMARY KEY, full_name text, email text UNIQUE, misc text, api_key text, born date,
    ip inet, doc jsonb, status text, note text, blob bytea, nickname text, parent_id bigint REFERENCES public.people
);
INSERT INTO public.people
SELECT g, 'Canary Secretname' || chr(65 + g % 26), 'canary' || g || '@canary.example', 'canary-misc-' || g,
       md5('canary' || g), '1984-05-17', '198.51.100.77', '{"canary": "canary@json.example"}', 'canarystate' || g % 3,
       'canary: call +49 30 90182' || g, 'canaryblob', 'CanaryNick' || g, 1
FROM generate_series(1, 300) g;
CREATE TABLE public.logins (username text PRIMARY KEY, amount numeric(10,2));
INSERT INTO public.logins SELECT 'canarylogin' || g, 10 FROM generate_series(1, 100) g;
CREATE TABLE public.posts (id uuid PRIMARY KEY, author text REFERENCES public.logins, people_id bigint);
INSERT INTO public.posts SELECT gen_random_uuid(), 'canarylogin' || g, g FROM generate_series(1, 100) g;
-- Errors and warnings that quote the value.
CREATE VIEW public.broken AS SELECT full_name::int AS number, email FROM public.people;
CREATE VIEW public.plain AS SELECT email, upper(email) AS loud FROM public.people;
CREATE FUNCTION public.shout(text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE WARNING 'loud %', $1; RAISE NOTICE 'note %', $1; RETURN $1; END $$;
CREATE VIEW public.loud AS SELECT public.shout(email) AS said FROM public.people;
CREATE FUNCTION public.killed(text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'canary %', $1 USING DETAIL = $1, HINT = $1, ERRCODE = '57P01'; END $$;
CREATE VIEW public.zz_killed AS SELECT public.killed(email) AS said FROM public.people;
CREATE TABLE public.forbidden (id int, email text);
CREATE TABLE public.empty (id int PRIMARY KEY, phone text);
CREATE SCHEMA "odd.schema";
CREATE TABLE "odd.schema"."t.x" (id bigint PRIMARY KEY, "user""email" text);
CREATE TABLE public."Odd ""q"" <script>alert(1)</script> # ]" (
    id int PRIMARY KEY, "e-mail <b>" text, "new
line email" text, "*" text, " blank email" text, "back\slash email" text, "Ünïcode email" text, "it's # 'email'" text
);
DO $$ BEGIN
    EXECUTE format('ALTER TABLE public."Odd ""q"" <script>alert(1)</script> # ]" ADD %I text', E'\x1b[2J email');
    EXECUTE format('ALTER TABLE public."Odd ""q"" <script>alert(1)</script> # ]" ADD %I text', U&'\009b31m email');
    EXECUTE format('ALTER TABLE public."Odd ""q"" <script>alert(1)</script> # ]" ADD %I text', U&'\202eliame email');
    EXECUTE format('CREATE TABLE public.%I (email text)', E'\x1b]0;title\x07 </td>');
END $$;
GRANT USAGE ON SCHEMA "odd.schema" TO pgcurfew_gateway;
GRANT SELECT ON ALL TABLES IN SCHEMA public, "odd.schema" TO pgcurfew_gateway;
REVOKE ALL ON public.forbidden FROM pgcurfew_gateway;
ANALYZE;
