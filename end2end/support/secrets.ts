// What was handed out once may stand nowhere: neither in a server's log nor in its database (law 8). Looked for after each journey.

import { expect } from "@playwright/test";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Secrets that anybody can recognise: prefix, public id, secret, checksum; and those of webhooks. */
const SHAPES = [/rc[a-z]_[0-9a-f]{32}_([\w-]{43})[0-9a-f]{8}/g, /whsec_[A-Za-z0-9+/]{24,}=*/g];
/** The secret of a link that is followed once. */
const LINK = /\/([\w-]{43})(?![\w-])/g;

/** What was handed out in this run, by name. Journeys share it: a secret of one has no place in another's database either. */
const issued = new Map<string, string>();

/** Remember a secret. */
export function handedOut(secret: string, name: string) {
  if (secret.length < 12) throw new Error(`${name} is too short to be looked for`);
  issued.set(secret, name);
}

/** Remember a token, if it is one of ours: of it, the part that nobody may know. */
export function token(text: string) {
  for (const [, secret] of text.matchAll(SHAPES[0])) handedOut(secret, "a token");
}

/** Remember the passwords in a form that was sent, right ones and wrong ones. */
export function typed(form: string) {
  for (const [name, value] of new URLSearchParams(form)) {
    if (name.includes("password") && value.length >= 12) handedOut(value, "a password");
  }
}

/** Remember an authenticator's secret and recovery codes, as they are shown and as they are typed. */
export function shownOnce(secret: string, recovery: string[]) {
  handedOut(secret.replaceAll(" ", ""), "an authenticator's secret");
  for (const code of recovery) {
    handedOut(code, "a recovery code");
    handedOut(code.replaceAll("-", ""), "a recovery code");
  }
}

/** Remember the secrets of the links in a mail. */
export function mailed(text: string) {
  for (const [, secret] of text.matchAll(LINK)) issued.set(secret, "a link that was mailed");
}

/** Which secrets stand in `bytes`: in clear or in hexadecimal. Told by name: a secret has no place in a report either. */
export function secretsIn(bytes: Buffer): string[] {
  const text = bytes.toString("latin1");
  const found = SHAPES.flatMap((shape) => [...text.matchAll(shape)].map(([secret]) => `something of the form ${secret.slice(0, 6)}…`));
  for (const [secret, name] of issued) {
    if (text.includes(secret) || text.includes(Buffer.from(secret).toString("hex"))) found.push(name);
  }
  return [...new Set(found)];
}

/** All that a database holds, as bytes; `settings` are those of a server that has ended. */
export async function dump(dataDir: string, settings: Record<string, string>): Promise<Buffer> {
  const url = settings.ROLLCALL_MIGRATION_DATABASE_URL;
  if (url) {
    const options = { maxBuffer: 1 << 30, encoding: "buffer" as const };
    return (await promisify(execFile)("pg_dump", ["--dbname", administrators(url)], options)).stdout;
  }
  const files = (await readdir(dataDir)).filter((file) => file.startsWith("rollcall.db"));
  return Buffer.concat(await Promise.all(files.map((file) => readFile(join(dataDir, file)))));
}

/** The same database as the cluster's administrator reaches it: row-level security hides nothing from a dump. */
function administrators(url: string): string {
  const reached = new URL(process.env.ROLLCALL_TEST_POSTGRES!);
  reached.pathname = new URL(url).pathname;
  return reached.href;
}

/** No secret stands in the log or in the database of a server that has ended. */
export async function expectNoSecrets(log: string, database: Buffer) {
  expect(database.includes("scim_tokens"), "the dump is a dump").toBe(true);
  expect(secretsIn(database), "secrets in the database").toEqual([]);
  expect(secretsIn(Buffer.from(log)), "secrets in the log").toEqual([]);
}
