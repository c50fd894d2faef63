// What node-postgres does with the gateway; answers on standard output as JSON.
const { Client, Pool } = require("pg");
const Cursor = require("pg-cursor");
const QueryStream = require("pg-query-stream");
const copy = require("pg-copy-streams");
const { pipeline } = require("node:stream/promises");
const { Readable } = require("node:stream");

const wanted = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const saw = {};

const options = (which) => ({
  host: "localhost",
  port: wanted.port,
  user: wanted.user,
  ...wanted[which],
  ssl: { ca: wanted.ca, servername: "localhost" },
});

const failure = (promise) => promise.then(() => ({}), (error) => error);

async function reading() {
  const client = new Client({ ...options("reading"), application_name: "story", statement_timeout: 20000 });
  await client.connect();
  saw.simple = (await client.query("SELECT 1 AS one")).rows[0].one;
  const some = await client.query("SELECT $1::int AS a, $2::text AS b, $3::int[] AS c", [42, "text", [1, 2]]);
  saw.parameters = Object.values(some.rows[0]);
  saw.masked = (await client.query("SELECT email FROM customers ORDER BY id LIMIT 1")).rows[0].email;
  saw.named = [];
  for (let n = 0; n < 3; n++) {
    const found = await client.query({ name: "by-id", text: "SELECT id FROM customers WHERE id = $1", values: [3] });
    saw.named.push(Number(found.rows[0].id));
  }
  saw.binary = (await client.query({ text: "SELECT $1::int + 1 AS n", values: [6], binary: true })).rows[0].n;
  saw.several = (await client.query("SELECT 1 AS n; SELECT 2 AS n")).map((result) => result.rows[0].n);
  const row = (await client.query("SELECT ARRAY['a'] AS a, NULL::text AS b, '{\"k\": 1}'::jsonb AS c")).rows[0];
  saw.arrays = [row.a, row.b, row.c];

  const cursor = client.query(new Cursor("SELECT id FROM customers ORDER BY id LIMIT 5"));
  saw.cursor = [];
  for (let n = 0; n < 4; n++) saw.cursor.push((await cursor.read(2)).length);
  await cursor.close();

  saw.stream = 0;
  for await (const _ of client.query(new QueryStream("SELECT id FROM sales.orders LIMIT 100", [], { batchSize: 7 })))
    saw.stream++;

  const refused = await failure(client.query("SELECT pg_read_file($1)", ["/etc/passwd"]));
  saw.refused = { code: refused.code, hint: refused.hint };
  const syntax = await failure(client.query("SELEC 1"));
  saw.syntax = { code: syntax.code, position: syntax.position };
  saw.after = (await client.query("SELECT 2 AS two")).rows[0].two;
  await client.query("SET statement_timeout = 100");
  saw.timeout = (await failure(client.query("SELECT pg_sleep(5)"))).code;

  const lines = [];
  const out = client.query(copy.to("COPY (SELECT id, email FROM customers ORDER BY id LIMIT 3) TO STDOUT"));
  for await (const chunk of out) lines.push(chunk.toString());
  saw["copied out"] = lines.join("").trim().split("\n").length;
  await client.end();
}

async function pooled() {
  const pool = new Pool({ ...options("reading"), max: 4 });
  const asked = Array.from({ length: 20 }, (_, n) => pool.query("SELECT $1::int AS n", [n]));
  saw.pool = (await Promise.all(asked)).map((result) => result.rows[0].n);
  await pool.end();
}

async function writing() {
  const client = new Client(options("writing"));
  await client.connect();
  const count = async () =>
    Number((await client.query("SELECT count(*) AS n FROM pgbench_history WHERE delta = -14242")).rows[0].n);
  await client.query("BEGIN");
  const lines = Array.from({ length: 500 }, (_, n) => `1\t1\t${n}\t-14242\n`);
  await pipeline(Readable.from(lines), client.query(copy.from("COPY pgbench_history (tid, bid, aid, delta) FROM STDIN")));
  saw["copied in"] = await count();
  await client.query("ROLLBACK");
  saw["rolled back"] = await count();
  saw.integrity = (
    await failure(client.query("INSERT INTO pgbench_branches (bid, bbalance) VALUES ($1, $2)", [1, 0]))
  ).code;
  await client.end();
}

reading()
  .then(pooled)
  .then(writing)
  .then(() => console.log(JSON.stringify(saw)))
  .catch((error) => {
    console.error(JSON.stringify(saw), error);
    process.exit(1);
  });
