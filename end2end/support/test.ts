// Playwright's test, with a server of its own and a guard on every browser.

import { type BrowserContext, type BrowserContextOptions, type Page, expect, test as base } from "@playwright/test";
import { cluster, dropDatabase, makeDatabase } from "./postgres";
import { handedOut, typed } from "./secrets";
import { Server } from "./server";

export { expect };

/** A browser's session is a secret of its own, and so is the first step of a sign-in. */
export async function rememberSessions(context: BrowserContext) {
  for (const { name, value } of await context.cookies()) {
    if (name.includes("rollcall")) handedOut(value, `the cookie ${name}`);
  }
}

/** Notes what must never happen in a browser, whatever the test is about. */
export class Guard {
  readonly problems: string[] = [];
  private readonly allowed: { status: number; path: string }[] = [];

  constructor(private readonly url: string) {}

  /** A page may be refused like this: the browser's console says so of each refused request. */
  allow(status: number, path: string) {
    this.allowed.push({ status, path });
  }

  watch(context: BrowserContext) {
    context.on("console", (message) => {
      // Violations of the content security policy come as errors, what the framework holds wrong as warnings.
      if (!["error", "warning"].includes(message.type())) return;
      // Where scripts are off, or the machine is slow, Chromium wonders what the preloaded WebAssembly is for.
      if (/was preloaded using link preload but not used/.test(message.text())) return;
      const status = Number(/Failed to load resource: the server responded with a status of (\d+)/.exec(message.text())?.[1]);
      const { pathname } = new URL(message.location().url || "about:blank");
      if (this.allowed.some((allowed) => allowed.status === status && allowed.path === pathname)) return;
      this.problems.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => this.problems.push(`page error: ${error.error().message}`));
    context.on("request", (request) => {
      if (request.method() === "POST") typed(request.postData() ?? "");
      if (new URL(request.url()).origin !== this.url && !request.url().startsWith("data:")) this.problems.push(`request to ${request.url()}`);
    });
  }

  verify() {
    expect(this.problems, "errors in the browser").toEqual([]);
  }
}

type Engine = "SQLite" | "PostgreSQL";

interface Fixtures {
  engine: Engine;
  /** The settings that lead a server to the test's database. */
  database: Record<string, string>;
  server: Server;
  /** A second node, on the same database. */
  otherNode: Server;
  guard: Guard;
  /** A page of another browser: one that shares no cookie with any other. */
  otherBrowser: (options?: BrowserContextOptions) => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  engine: ["SQLite", { option: true }],

  database: async ({ engine }, use) => {
    if (engine === "SQLite") return use({});
    // One journey by hand needs no cluster. In CI there is one, and a journey left out would pass for one that was made.
    if (!cluster && process.env.CI) throw new Error("ROLLCALL_TEST_POSTGRES names no cluster");
    test.skip(!cluster, "ROLLCALL_TEST_POSTGRES names no cluster");
    const database = await makeDatabase();
    await use(database);
    await dropDatabase(database);
  },

  server: async ({ database }, use, testInfo) => {
    const server = await Server.start(database);
    await use(server);
    await testInfo.attach("server.log", { body: server.log, contentType: "text/plain" });
    await server.stop();
    expect(server.log, "the server's log").not.toMatch(/panicked|"level":"ERROR"/);
  },

  otherNode: async ({ database }, use) => {
    const node = await Server.start(database);
    await use(node);
    await node.stop();
  },

  baseURL: async ({ server }, use) => use(server.url),

  guard: async ({ server }, use) => {
    const guard = new Guard(server.url);
    await use(guard);
    guard.verify();
  },

  context: async ({ context, guard }, use) => {
    guard.watch(context);
    await use(context);
    await rememberSessions(context);
  },

  otherBrowser: async ({ browser, guard }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      guard.watch(context);
      return context.newPage();
    });
    await Promise.all(contexts.map(rememberSessions));
    await Promise.all(contexts.map((context) => context.close()));
  },
});
