// A Rollcall of a test's own: its own process, port, database and mails, all gone afterwards.

import { expect } from "@playwright/test";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import PostalMime from "postal-mime";
import { dump, expectNoSecrets, handedOut, mailed, token } from "./secrets";

const workspace = resolve(__dirname, "../..");
const binary = process.env.ROLLCALL_BINARY ?? join(process.env.CARGO_TARGET_DIR ?? join(workspace, "target"), "debug/rollcall");

/** An organisation, with what its identity provider and its owner need. */
export interface Org {
  slug: string;
  baseUrl: string;
  token: string;
  owner: { email: string; password: string };
}

export interface Mail {
  subject: string;
  text: string;
  link: string;
}

export class Server {
  private constructor(
    readonly dataDir: string,
    readonly url: string,
    /** The one-time link that founds the first organisation; empty when there is one already. */
    readonly setUpLink: string,
    private readonly settings: Record<string, string>,
    private readonly process: ChildProcess,
    private readonly lines: string[],
  ) {}

  static async start(further: Record<string, string> = {}): Promise<Server> {
    if (!existsSync(binary)) throw new Error(`There is no server at ${binary}. Build it with \`make build\`, or say in ROLLCALL_BINARY where it is.`);
    const dataDir = await mkdtemp(join(tmpdir(), "rollcall-end2end-"));
    const settings: Record<string, string> = { ROLLCALL_DATA_DIR: dataDir, ROLLCALL_LISTEN: "127.0.0.1:0", ROLLCALL_MAIL_DELAY_SECONDS: "0", ...further };
    if (settings.ROLLCALL_DATABASE_URL) await promisify(execFile)(binary, ["migrate"], { env: environment(settings) });
    const process = spawn(binary, ["serve"], { env: environment(settings), stdio: ["ignore", "pipe", "pipe"] });
    const lines: string[] = [];
    createInterface({ input: process.stderr! }).on("line", (line) => lines.push(line));
    const failed = once(process, "exit").then(([code]) => {
      throw new Error(`rollcall serve ended with ${code} before it listened:\n${lines.join("\n")}`);
    });
    const [announcement] = (await Promise.race([once(createInterface({ input: process.stdout! }), "line"), failed])) as [string];
    failed.catch(() => {}); // From here on, its end is `stop`'s business.

    const [, url, setUpLink = ""] = /^Rollcall is at (http:\S+)(?: \. First run: set it up at (http:\S+\/set-up\/\S+) .*)?$/.exec(announcement) ?? [];
    if (!url) throw new Error(`not what a start says: ${announcement}`);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { message: "/readyz" }).toBe(200);
    return new Server(dataDir, url, setUpLink, settings, process, lines);
  }

  /** What it has logged so far. */
  get log(): string {
    return this.lines.join("\n");
  }

  /** Ctrl-C. It has to end by itself, and well. */
  async stop(): Promise<void> {
    const exited = once(this.process, "exit");
    this.process.kill("SIGINT");
    const [code, signal] = await exited;
    for (const { text } of await this.sent()) mailed(text);
    mailed(this.setUpLink);
    await expectNoSecrets(this.log, await dump(this.dataDir, this.settings));
    await rm(this.dataDir, { recursive: true });
    expect({ code, signal }, "Ctrl-C ends the server cleanly").toEqual({ code: 0, signal: null });
  }

  /** Make a further organisation with its owner and a provisioning token, as an operator would. */
  async bootstrap(name: string, owner: { email: string; password: string; name?: string }): Promise<Org> {
    const passwordFile = join(this.dataDir, "owner-password");
    await writeFile(passwordFile, `${owner.password}\n`);
    const args = ["bootstrap", "--org-name", name, "--owner-email", owner.email, "--owner-password-file", passwordFile, "--enable-scim", "--json"];
    if (owner.name) args.push("--owner-name", owner.name);
    const env = environment({ ...this.settings, ROLLCALL_PUBLIC_URL: this.url });
    const { stdout } = await promisify(execFile)(binary, args, { env });
    const made = JSON.parse(stdout);
    token(made.scim_token);
    handedOut(owner.password, "a password");
    return { slug: made.org_slug, baseUrl: made.scim_base_url, token: made.scim_token, owner };
  }

  /** The mails to `address` that have been sent so far, oldest first. */
  async mails(address: string): Promise<Mail[]> {
    const mails: Mail[] = [];
    for (const { to, subject, text } of await this.sent()) {
      // A mail without its link has not been written to the end yet.
      const link = text.match(/^http\S+$/m)?.[0];
      if (link && to.includes(address)) mails.push({ subject, text, link });
    }
    return mails;
  }

  /** All mails that have been sent so far, oldest first. */
  private async sent(): Promise<{ to: string[]; subject: string; text: string }[]> {
    const folder = join(this.dataDir, "mail");
    const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith(".eml"));
    const dated = await Promise.all(files.map(async (file) => ({ path: join(folder, file), at: (await stat(join(folder, file))).mtimeMs })));
    dated.sort((one, other) => one.at - other.at);
    return Promise.all(
      dated.map(async ({ path }) => {
        const { to = [], subject = "", text = "" } = await PostalMime.parse(await readFile(path));
        return { to: to.map((recipient) => recipient.address ?? ""), subject, text };
      }),
    );
  }

  /** The mail to `address` that was sent as the `nth`, once it is there. */
  async mail(address: string, nth = 1): Promise<Mail> {
    await expect.poll(async () => (await this.mails(address)).length, { message: `mail ${nth} to ${address}` }).toBeGreaterThanOrEqual(nth);
    return (await this.mails(address))[nth - 1];
  }
}

/** Our environment with these settings and no others: the server refuses a `ROLLCALL_…` that is no setting. */
function environment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("ROLLCALL_") || name === "ROLLCALL_SITE_DIR");
  return { ...Object.fromEntries(kept), ...settings };
}
