// The deprovision drill: an owner runs one against the server that she looks at, and reads what came of it.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { INES } from "../support/people";
import { alive, auditRows, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

// Most of the time goes into axe.
test.describe.configure({ timeout: 240_000 });

for (const engine of ["SQLite", "PostgreSQL"] as const) {
  test.describe(`on ${engine}`, () => {
    test.use({ engine });

    test("an owner runs a drill and reads that everything was refused", async ({ page, server }) => {
      const acme = await server.bootstrap("Acme", INES);
      await signInOwner(page, acme);
      await expect(page.getByTestId("last-drill")).toHaveText("Deprovision drill: never run");
      await page.getByTestId("last-drill").getByRole("link").click();
      await expect(page).toHaveURL("/o/acme/settings/security#drills-title");
      const card = page.getByRole("region", { name: "Deprovision drill" });
      await expect(card).toContainText("No drill has been run yet");
      await expect(card.getByTestId("drill-nodes")).toHaveText(`It tries ${server.url}`);
      if (engine === "SQLite") await look(page, "security-no-drill");

      await test.step("by keyboard", async () => {
        await alive(page);
        await card.getByRole("heading").focus();
        await tabTo(page, "Run a drill");
        await page.keyboard.press("Enter");
        await expect(page).toHaveURL(/\/o\/acme\/settings\/security\/drills\/[0-9a-f-]{36}$/);
      });
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Drill 1");
      await expect(page.getByTestId("drill-verdict")).toContainText("6 trials at 1 node, each refused after 0 further requests");
      await expect(page.getByTestId("drill-trial")).toHaveCount(6);
      for (const trial of await page.getByTestId("drill-trial").all()) await expect(trial).toContainText("refused after 0 further requests");
      for (const step of await page.getByTestId("drill-step").all()) await expect(step).toHaveAttribute("data-ok", "true");
      if (engine === "SQLite") await look(page, "drill-passed");

      await page.getByRole("main").getByRole("link", { name: "Security" }).click();
      await expect(page.getByTestId("drill-row")).toHaveAttribute("data-state", "passed");
      if (engine === "SQLite") await look(page, "security-drill");
      await page.goto("/o/acme/members");
      await expect(page.getByTestId("last-drill")).toHaveText(/^Deprovision drill: passed just now$/);
      await expect(page.getByTestId("member-summary")).toHaveText(/^1 person/);
      if (engine === "SQLite") await look(page, "members-drill");
      await page.goto("/o/acme/settings/audit");
      await expect(auditRows(page, "drill.finished")).toContainText("passed");
      expect(await server.mails(acme.owner.email), "nobody is written to").toEqual([]);
    });
  });
}

/** A node that lets in whoever was once let in: what a cache in the wrong place would do. */
class Forgetful {
  private readonly kept = new Map<string, Buffer>();
  private readonly http = createServer(async (request, response) => {
    const [status, body] = await this.answer(request);
    response.writeHead(status).end(body);
  });
  target = "";

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.http.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  close() {
    this.http.closeAllConnections();
    this.http.close();
  }

  private async answer(request: IncomingMessage): Promise<[number, Buffer]> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const sent = Buffer.concat(chunks);
    const { authorization = "", cookie = "", accept = "", "content-type": type = "" } = request.headers;
    const headers = Object.fromEntries(Object.entries({ authorization, cookie, accept, "content-type": type }).filter(([, value]) => value));
    const body = sent.length ? sent : undefined;
    const answer = await fetch(this.target + request.url, { method: request.method, headers, body, redirect: "manual" });
    const said = Buffer.from(await answer.arrayBuffer());
    const key = [request.method, request.url, authorization, cookie, sent.toString()].join("\n");
    if (answer.ok && !/^\{"(active|allowed)":false/.test(said.toString())) {
      this.kept.set(key, said);
      return [answer.status, said];
    }
    const before = this.kept.get(key);
    return before ? [200, before] : [answer.status, said];
  }
}

const withForgetful = test.extend<{ forgetful: Forgetful }>({
  forgetful: async ({}, use) => {
    const forgetful = new Forgetful();
    await use(forgetful);
    forgetful.close();
  },
  database: async ({ forgetful }, use) => use({ ROLLCALL_DRILL_NODES: await forgetful.listen() }),
});

withForgetful("a drill that finds something alive says so at the top", async ({ page, server, forgetful }) => {
  forgetful.target = server.url;
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/security");
  await alive(page);
  await page.getByTestId("run-drill").click();
  await expect(page.getByTestId("drill-verdict")).toContainText("The drill failed");
  await expect(page.getByTestId("drill-verdict")).toContainText("Browser session at http://127.0.0.1");
  await expect(page.locator("[data-testid=drill-trial][data-passed=false]").first()).toContainText("still accepted after 50 further requests");
  await look(page, "drill-failed");
  await page.goto("/o/acme/members");
  await expect(page.getByTestId("last-drill")).toContainText("failed");
  await look(page, "members-drill-failed");
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a form runs a drill", async ({ page, server }) => {
    const acme = await server.bootstrap("Acme", INES);
    await signInOwner(page, acme);
    await page.goto("/o/acme/settings/security");
    await page.getByTestId("run-drill").click();
    await expect(page).toHaveURL(/\/drills\/[0-9a-f-]{36}$/);
    await expect(page.getByTestId("drill-verdict")).toContainText("each refused after 0 further requests");
  });
});
