// PostgreSQL for a test: a database of its own in the cluster that `scripts/test.sh` has started.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";

/** An administrator's URL, such as `postgres://admin@127.0.0.1:5432/postgres`. */
export const cluster = process.env.ROLLCALL_TEST_POSTGRES;

/** Make an empty database; answers the settings for it. As in production, one role owns the tables and another serves. */
export async function makeDatabase(): Promise<Record<string, string>> {
  const name = `end2end${randomBytes(8).toString("hex")}`;
  await psql("DO $$ DECLARE login text; BEGIN FOREACH login IN ARRAY ARRAY['rollcall_owner', 'rollcall_app', 'rollcall_jobs'] LOOP BEGIN EXECUTE 'CREATE ROLE ' || login || ' LOGIN'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END; END LOOP; END $$");
  await psql(`CREATE DATABASE ${name} OWNER rollcall_owner`);
  const { host } = new URL(cluster!);
  return {
    ROLLCALL_DATABASE_URL: `postgres://rollcall_app@${host}/${name}`,
    ROLLCALL_JOBS_DATABASE_URL: `postgres://rollcall_jobs@${host}/${name}`,
    ROLLCALL_MIGRATION_DATABASE_URL: `postgres://rollcall_owner@${host}/${name}`,
  };
}

export async function dropDatabase(settings: Record<string, string>) {
  await psql(`DROP DATABASE ${new URL(settings.ROLLCALL_DATABASE_URL).pathname.slice(1)} WITH (FORCE)`);
}

async function psql(statement: string) {
  await promisify(execFile)("psql", ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement, cluster!]);
}
