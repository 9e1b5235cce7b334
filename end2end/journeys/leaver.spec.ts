// The product in one journey: a company connects its identity provider, somebody joins by it, and the moment she leaves
// there, every browser she has open is locked out here, and nowhere else.

import type { Page } from "@playwright/test";
import { Entra, Okta } from "../support/idp";
import { INES, MIRA, OTTO, PASSWORD } from "../support/people";
import { activate, alive, auditRows, enter, expectMember, memberRow, setUp } from "../support/steps";
import { expect, test } from "../support/test";

for (const engine of ["SQLite", "PostgreSQL"] as const) {
  test.describe(engine, () => {
    test.use({ engine });

    test("a leaver's next click lands on the sign-in page", async ({ page, server, guard, otherBrowser }) => {
      test.setTimeout(120_000);
      const secrets = [server.setUpLink.split("/").pop()!, INES.password, PASSWORD];
      let baseUrl = "";
      let token = "";

      await test.step("the set-up link makes the organisation and its owner, once", async () => {
        await setUp(page, server.setUpLink, { org: "Acme", ...INES });
        await expect(page).toHaveURL("/o/acme/settings/security");
        await expect(page.getByRole("navigation", { name: "Main" })).toContainText("Security");
        const late = await otherBrowser();
        await late.goto(server.setUpLink);
        await expect(late.getByRole("heading", { level: 1 })).toHaveText("This set-up link does not work any more");
        await expect(late.getByTestId("set-up-form")).toHaveCount(0);
      });

      await test.step("she enables SCIM and copies the base URL", async () => {
        await expect(page.getByTestId("scim-status")).toHaveText("Off");
        await alive(page);
        await page.getByTestId("enable-scim").click();
        await expect(page.getByTestId("scim-status")).toHaveText("Waiting");
        await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
        await page.getByRole("button", { name: "Copy the base URL" }).click();
        baseUrl = await page.evaluate(() => navigator.clipboard.readText());
        expect(baseUrl).toMatch(new RegExp(`^${server.url}/scim/[0-9a-f-]{36}/v2$`));
        await expect(page.getByTestId("base-url")).toHaveText(baseUrl);
      });

      const lost = await test.step("a token is shown once: it is gone after a reload", async () => {
        const secret = await issueToken(page, "Okta");
        secrets.push(secret);
        await page.reload();
        await alive(page);
        await expectNoSecret(page, secret);
        return secret;
      });

      await test.step("it is gone after Back, too, and one that was not saved is replaced", async () => {
        const unsaved = await issueToken(page, "Okta, second try");
        secrets.push(unsaved);
        await page.getByTestId("token-reissue").click();
        await expect(page.getByTestId("provisioning-token")).not.toHaveText(unsaved);
        token = await page.getByTestId("provisioning-token").innerText();
        secrets.push(token);
        await new Okta(baseUrl, unsaved).expectRefused();

        await page.getByRole("link", { name: "Members", exact: true }).click();
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("Members");
        await page.goBack();
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("Security");
        await expectNoSecret(page, token);
      });

      await test.step("she revokes the first and issues a last one, which she has saved", async () => {
        await alive(page);
        await page.getByTestId("token-row").filter({ hasText: lost.slice(-4) }).getByTestId("revoke-token").click();
        await page.getByRole("dialog").getByRole("button", { name: "Revoke token" }).click();
        await expect(page.getByTestId("token-row").filter({ hasText: lost.slice(-4) })).toHaveAttribute("data-state", "revoked");
        await new Okta(baseUrl, lost).expectRefused();

        const unused = token;
        token = await issueToken(page, "Okta production");
        secrets.push(token);
        await page.getByTestId("token-saved").click();
        await expectNoSecret(page, token);
        await expect(page.getByTestId("token-row").filter({ hasText: token.slice(-4) })).toContainText("Okta production");
        await expect(page.getByTestId("token-row").filter({ hasText: unused.slice(-4) })).toHaveAttribute("data-state", "live");
      });

      await test.step("no page that the server writes has held a secret", async () => {
        for (const path of ["/o/acme/members", "/o/acme/settings/security", "/o/acme/settings/audit", "/organisations"]) {
          const html = await (await page.request.get(path)).text();
          expect(html, path).toContain("<h1");
          for (const secret of secrets) expect(html.includes(secret), `a secret in ${path}`).toBe(false);
        }
      });

      const okta = new Okta(baseUrl, token);
      const mira = await test.step("Okta connects and creates Mira", async () => {
        await okta.testCredentials();
        return okta.create(MIRA);
      });

      await test.step("the owner sees that her activation mail went out", async () => {
        await page.getByRole("link", { name: "Members", exact: true }).click();
        await expectMember(page, MIRA.email, "activation-sent");
        await expect(memberRow(page, MIRA.email)).toContainText("Mira Olsen");
        await expect(memberRow(page, MIRA.email)).toContainText("Activation sent");
      });

      const laptop = await otherBrowser();
      await test.step("a mail scanner may look at the link; Mira follows it and chooses a password", async () => {
        const { link, subject } = await server.mail(MIRA.email);
        secrets.push(link.split("/").pop()!);
        expect(subject).toBe("Activate your access to Acme");
        const scanner = await otherBrowser();
        for (const _ of [1, 2]) expect((await scanner.request.get(link)).status()).toBe(200);
        await expectMember(page, MIRA.email, "activation-sent");

        await activate(laptop, link, PASSWORD);
        await expect(laptop).toHaveURL("/o/acme/members");
        await expectMember(page, MIRA.email, "active");
      });

      const phone = await otherBrowser();
      await test.step("she signs in on her phone as well", async () => {
        await phone.goto("/sign-in");
        await enter(phone, MIRA.email, PASSWORD);
        await expect(phone).toHaveURL("/o/acme/members");
      });

      const globex = await server.bootstrap("Globex", OTTO);
      secrets.push(globex.token, globex.owner.password);
      const entra = new Entra(globex.baseUrl, globex.token);
      const tablet = await otherBrowser();
      await test.step("another organisation lets her in, by Entra ID; she joins with the password that she has", async () => {
        await entra.testConnection();
        await entra.create({ ...MIRA, externalId: "mira.olsen" });
        const { link } = await server.mail(MIRA.email, 2);
        secrets.push(link.split("/").pop()!);
        await activate(tablet, link, PASSWORD);
        await expect(tablet).toHaveURL("/o/globex/members");
      });

      await test.step("a token opens its own organisation only, and a refusal says nothing", async () => {
        const foreign = await new Okta(baseUrl, globex.token).expectRefused();
        expect(await new Okta(baseUrl, lost).expectRefused()).toBe(foreign);
        expect(await new Okta(baseUrl, "not-a-token").expectRefused()).toBe(foreign);
      });

      const tab = await laptop.context().newPage();
      await test.step("Okta deactivates her: her very next click lands on the sign-in page", async () => {
        // Two tabs and a phone that are in the middle of something.
        guard.allow(403, "/o/acme/settings/audit");
        await laptop.goto("/o/acme/settings/audit");
        await tab.goto("/o/acme/members");
        await phone.goto("/o/acme/members");
        for (const open of [laptop, tab, phone]) await alive(open);

        await okta.deactivate(mira.id);

        guard.allow(401, "/api/members");
        guard.allow(401, "/api/last_drill");
        guard.allow(401, "/api/organisations");
        await laptop.getByRole("link", { name: "Members", exact: true }).click();
        await expect(laptop).toHaveURL("/sign-in?next=%2Fo%2Facme%2Fmembers");
        await expect(laptop.getByTestId("sign-in-form")).toBeVisible();
        // The link to the page that is open already asks the server, too.
        await tab.getByRole("link", { name: "Members", exact: true }).click();
        await expect(tab).toHaveURL("/sign-in?next=%2Fo%2Facme%2Fmembers");
        await phone.getByRole("link", { name: /Change organisation/ }).click();
        await expect(phone).toHaveURL("/sign-in?next=%2Forganisations");
        await expectMember(page, MIRA.email, "inactive");
      });

      await test.step("at Globex she is as before", async () => {
        await tablet.reload();
        await expect(tablet).toHaveURL("/o/globex/members");
        await expect(memberRow(tablet, MIRA.email)).toHaveAttribute("data-state", "active");
      });

      await test.step("reactivated, she signs in anew; what ended stays dead", async () => {
        await okta.reactivate(mira.id);
        await expectMember(page, MIRA.email, "active");
        for (const ended of [laptop, tab, phone]) {
          await ended.goto("/o/acme/members");
          await expect(ended).toHaveURL("/sign-in?next=%2Fo%2Facme%2Fmembers");
        }
        await enter(laptop, MIRA.email, PASSWORD);
        await expect(laptop).toHaveURL("/o/acme/members");
        // Her address needs no new proof.
        expect(await server.mails(MIRA.email)).toHaveLength(2);
      });

      await test.step("a PUT that says inactive ends her access as well", async () => {
        await okta.putInactive(mira.id);
        await laptop.reload();
        await expect(laptop).toHaveURL("/sign-in?next=%2Fo%2Facme%2Fmembers");
        await tablet.reload();
        await expect(tablet).toHaveURL("/o/globex/members");
      });

      await test.step("the owner is out of the directory's reach", async () => {
        const impostor = await okta.create({ email: INES.email, given: "Ines", family: "Impostor", externalId: "00uINES" });
        await okta.deactivate(impostor.id);
        // With those who have left.
        await page.goto("/o/acme/members?status=any");
        await expect(memberRow(page, INES.email)).toHaveAttribute("data-state", "active");
        await expect(memberRow(page, INES.email)).toContainText("Ines Vidal");
        await expect(memberRow(page, INES.email)).toContainText("Owner");
        await expect(page.getByTestId("member-row")).toHaveCount(2);
      });

      await test.step("the audit page tells the story", async () => {
        await page.getByRole("link", { name: "Audit" }).click();
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("Audit");
        const told: [action: string, times: number, ...texts: string[]][] = [
          ["organisation.founded", 1, INES.name],
          ["scim.enabled", 1, INES.name],
          ["token.issued", 4, INES.name],
          ["token.revoked", 2, INES.name],
          ["user.created", 2],
          ["access.began", 2, "Mira Olsen"],
          ["activation.completed", 1, "Mira Olsen"],
          // At activation, on the phone, and after the reactivation; those at Globex are Globex' business.
          ["access.ended", 2, "Mira Olsen", "deactivated in the directory"],
          ["user.link_refused", 1],
        ];
        for (const [action, times, ...texts] of told) {
          const rows = auditRows(page, action);
          await expect(rows, action).toHaveCount(times);
          for (const text of texts) await expect(rows.first(), action).toContainText(text);
        }
        // Many refusals in a minute are one entry.
        await expect(auditRows(page, "scim.authentication_failed").first()).toBeVisible();
        await expect(auditRows(page, "sign_in.succeeded").filter({ hasText: "Mira Olsen" })).toHaveCount(3);
        // Laptop and phone at first, then the laptop alone.
        await expect(detail(auditRows(page, "access.ended").nth(1), "sessions ended")).toHaveText("2");
        await expect(detail(auditRows(page, "access.ended").nth(0), "sessions ended")).toHaveText("1");
        for (const row of await page.getByTestId("audit-row").filter({ hasNotText: /request\s*[0-9a-f]{32}/ }).all()) {
          throw new Error(`an entry without its request: ${await row.innerText()}`);
        }
        await expect(auditRows(page, "access.ended").first()).toContainText("127.0.0.1");
      });

      await test.step("the log has kept every secret", async () => {
        expect(server.log).toContain("/activate/…");
        for (const [index, secret] of secrets.entries()) expect(server.log.includes(secret), `secret ${index} in the log`).toBe(false);
      });
    });
  });
}

test.describe("two nodes", () => {
  test.use({ engine: "PostgreSQL" });

  test("who is let go by one node is out on the other", async ({ page, server, otherNode }) => {
    const acme = await otherNode.bootstrap("Acme", INES);
    const okta = new Okta(acme.baseUrl, acme.token);
    const mira = await okta.create(MIRA);
    // Either node may have sent the mail; the link works on both.
    const mailed = async () => [...(await server.mails(MIRA.email)), ...(await otherNode.mails(MIRA.email))];
    await expect.poll(async () => (await mailed()).length).toBe(1);
    await activate(page, new URL((await mailed())[0].link).pathname, PASSWORD);

    await okta.deactivate(mira.id);
    await page.reload();
    await expect(page).toHaveURL(`${server.url}/sign-in?next=%2Fo%2Facme%2Fmembers`);
  });
});

/** Issue a token; answers its secret, which the page shows at this moment only. */
async function issueToken(page: Page, name: string): Promise<string> {
  const form = page.getByTestId("issue-token-form");
  await form.getByLabel("Name").fill(name);
  const answered = page.waitForResponse("/api/issue_token");
  await form.getByRole("button", { name: "Issue token" }).click();
  expect((await answered).headers()["cache-control"]).toBe("no-store");
  const secret = await page.getByTestId("provisioning-token").innerText();
  expect(secret).toMatch(/^rcs_\S{60,}$/);
  return secret;
}

async function expectNoSecret(page: Page, secret: string) {
  await expect(page.getByTestId("token-row").filter({ hasText: secret.slice(-4) })).toBeVisible();
  await expect(page.getByTestId("provisioning-token")).toHaveCount(0);
  expect(await page.content()).not.toContain(secret);
}

/** What an audit entry says under this name. */
function detail(row: ReturnType<typeof auditRows>, name: string) {
  return row.locator("dl > div").filter({ has: row.page().getByText(name, { exact: true }) }).locator("dd");
}
