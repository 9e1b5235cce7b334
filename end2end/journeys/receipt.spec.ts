// What stays after somebody has left: a receipt of what ended, on the screen, on paper and as a file, and a button for each secret of
// the organisation that she knows.

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { Okta } from "../support/idp";
import { look } from "../support/look";
import { INES, MIRA, PASSWORD } from "../support/people";
import { alive, auditRows, enter, join, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";
import type { Server } from "../support/server";

test.describe.configure({ timeout: 240_000 });

/** Call a server function with this page's session. */
async function tell(page: Page, server: Server, name: string, form: Record<string, string>) {
  const answer = await page.request.post(`/api/${name}`, { form: { org: "acme", ...form }, headers: { Origin: server.url } });
  expect(answer.status(), `${name}: ${await answer.text()}`).toBe(200);
  return answer.json();
}

/** The sentence of the receipt, without how long it took. */
const LEAD = /^Everything that let Mira Olsen act in Acme ended [0-9.]+ (ms|s) after the identity provider’s request arrived\.$/;

for (const engine of ["SQLite", "PostgreSQL"] as const) {
  test.describe(engine, () => {
    test.use({ engine });

    test("an owner who leaves has a receipt, and what she knows is rotated", async ({ page, server, otherBrowser }) => {
      const acme = await server.bootstrap("Acme", INES);
      const okta = new Okta(acme.baseUrl, acme.token);
      const hers = await otherBrowser();
      await join(hers, server, acme, MIRA);
      const [mira] = await okta.match(MIRA);
      await signInOwner(page, acme);
      const { people } = await tell(page, server, "members", { page: "1" });
      const { member } = people.find((person: { email: string }) => person.email === MIRA.email);
      await tell(page, server, "grant_role", { member, role: "owner", password: INES.password });
      const preview = await tell(hers, server, "issue_token", { name: "Okta preview", lifetime: "year" });
      const gateway = await tell(hers, server, "issue_service_credential", { name: "Gateway", password: PASSWORD });
      await tell(hers, server, "issue_personal_token", { name: "Nightly job", lifetime: "days30", scopes: "profile", password: PASSWORD });

      await test.step("the identity provider deactivates her, and the owner opens the receipt from her page", async () => {
        await okta.deactivate(mira.id);
        await page.goto(`/o/acme/members/${member}`);
        await expect(page.getByTestId("receipt-of-person")).toHaveCount(1);
        await expect(page.getByTestId("timeline-entry").filter({ hasText: "Access ended" }).getByTestId("to-receipt")).toBeVisible();
        if (engine === "SQLite") await look(page, "person-with-receipt");
        await page.getByTestId("receipt-of-person").getByRole("link").click();
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("Offboarding receipt");
        await expect(page).toHaveURL(new RegExp(`/o/acme/members/${member}/receipts/[0-9a-f-]{36}$`));
      });
      const { pathname } = new URL(page.url());

      await test.step("it says what ended, how soon, and what did not", async () => {
        await expect(page.getByTestId("receipt-lead")).toHaveText(LEAD);
        const counts = page.getByTestId("receipt-counts").locator("div");
        await expect(counts).toHaveText([
          "Sessions1", "API sessions0", "Access tokens0", "Refresh tokens0", "Personal tokens1", "Device codes0", "Activation links0", "Manual roles1", "Team seats0",
        ]);
        await expect(page.getByTestId("receipt-facts")).toContainText("Deactivated in the directory");
        // The activity log is written after the answers.
        await expect(async () => {
          await page.reload();
          await expect(page.getByTestId("receipt-answered")).toContainText("PATCH 200", { timeout: 1_000 });
        }).toPass();
        await expect(page.getByTestId("secret-of-leaver")).toHaveText([/Okta preview.*Still works/s, /Gateway.*Still works/s]);
        if (engine === "SQLite") await look(page, "receipt");
      });

      await test.step("the token that she issued is rotated where it is listed, and shown once", async () => {
        await alive(page);
        const row = page.getByTestId("secret-of-leaver").filter({ hasText: "Okta preview" });
        await row.getByTestId("rotate").click();
        await expect(page.getByRole("dialog")).toContainText("can neither add people nor end access");
        await expect(page.getByRole("dialog").getByLabel("The old one stops")).toHaveValue("at_once");
        if (engine === "SQLite") await look(page, "receipt-rotate-token");
        await page.getByRole("dialog").getByTestId("rotate-yes").click();
        const token = await page.getByTestId("rotated-secret").innerText();
        expect(token).toMatch(/^rcs_/);
        await new Okta(acme.baseUrl, preview.secret).expectRefused();
        await new Okta(acme.baseUrl, token).testCredentials();
        await expect(row).toHaveAttribute("data-state", "replaced");
        await expect(row.getByTestId("rotate")).toHaveCount(0);
        // One after the other: the next would take this one's place.
        await expect(page.getByTestId("secret-of-leaver").filter({ hasText: "Gateway" }).getByTestId("rotate")).toBeDisabled();
        await expect(page.getByTestId("rotate-obstacle")).toBeVisible();
        if (engine === "SQLite") await look(page, "receipt-rotated");
        await page.getByTestId("rotated-secret-saved").click();
        await expect(page.getByTestId("rotated-secret")).toHaveCount(0);
        await expect(page.getByRole("heading", { name: "Secrets that she knows" })).toBeFocused();
        for (const secret of [token, preview.secret, gateway.secret]) {
          expect((await (await page.request.get(pathname)).text()).includes(secret)).toBe(false);
        }
      });

      const introspect = async (secret: string) => (await page.request.post("/oauth/introspect", { form: { token: "x" }, headers: { Authorization: `Bearer ${secret}` } })).status();
      await test.step("so is the service credential: the old one stops at once unless another time is chosen", async () => {
        expect(await introspect(gateway.secret)).toBe(200);
        const row = page.getByTestId("secret-of-leaver").filter({ hasText: "Gateway" });
        await row.getByTestId("rotate").click();
        await expect(page.getByRole("dialog").getByLabel("The old one stops")).toHaveValue("at_once");
        if (engine === "SQLite") await look(page, "receipt-rotate-credential");
        await page.getByRole("dialog").getByTestId("rotate-yes").click();
        const secret = await page.getByTestId("rotated-secret").innerText();
        expect([await introspect(gateway.secret), await introspect(secret)]).toEqual([401, 200]);
        await expect(row).toHaveAttribute("data-state", "replaced");
        await page.getByTestId("rotated-secret-saved").click();
      });

      await test.step("it prints without the frame, on one page", async () => {
        await page.reload();
        await alive(page);
        await page.evaluate(() => (window.print = () => document.body.setAttribute("data-printed", "")));
        await page.getByTestId("print-receipt").click();
        await expect(page.locator("body[data-printed]")).toBeAttached();
        await page.emulateMedia({ media: "print", colorScheme: "dark" });
        await expect(page.getByRole("navigation", { name: "Main" })).toBeHidden();
        for (const button of await page.getByRole("button", { includeHidden: true }).all()) await expect(button).toBeHidden();
        await expect(page.getByTestId("receipt-file")).toBeHidden();
        await expect(page.getByTestId("receipt-counts")).toBeVisible();
        // Paper is white, whatever the screen is.
        await expect(page.locator("body")).toHaveCSS("background-color", "rgb(251, 251, 250)");
        if (engine === "SQLite") await page.screenshot({ path: `${__dirname}/../artifacts/screenshots/receipt-print.png`, fullPage: true });
        const pdf = (await page.pdf({ format: "A4", path: engine === "SQLite" ? `${__dirname}/../artifacts/screenshots/receipt.pdf` : undefined })).toString("latin1");
        expect(pdf.match(/\/Type\s*\/Page[^s]/g)).toHaveLength(1);
        await page.emulateMedia({ media: "screen", colorScheme: "light" });
      });

      await test.step("the file says the same", async () => {
        const downloading = page.waitForEvent("download");
        await page.getByTestId("receipt-file").click();
        const download = await downloading;
        const id = pathname.split("/").pop();
        expect(download.suggestedFilename()).toBe(`offboarding-receipt-${id}.json`);
        const file = JSON.parse(await readFile(await download.path(), "utf8"));
        expect(file).toMatchObject({ receipt: id, cause: "directory_deactivated", person: { member, name: "Mira Olsen", email: MIRA.email }, answered: { method: "PATCH", status: 200 } });
        expect(file.ended_after_micros).toBeGreaterThan(0);
        expect(file.ended_after_micros).toBeLessThan(file.answered.after_micros);
        expect(file.secrets.map((secret: { state: string }) => secret.state)).toEqual(["replaced", "replaced"]);
      });

      await test.step("the audit log leads to it, too", async () => {
        await page.goto("/o/acme/settings/audit");
        await auditRows(page, "access.ended").getByTestId("to-receipt").click();
        await expect(page).toHaveURL(pathname);
        await expect(page.getByTestId("receipt-lead")).toHaveText(LEAD);
      });
    });
  });
}

test("a service is given another credential without a gap", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  const { secret: old } = await tell(page, server, "issue_service_credential", { name: "Gateway", password: INES.password });
  await page.goto("/o/acme/settings/security");
  await alive(page);
  await page.getByTestId("credential-row").getByTestId("rotate").click();
  await expect(page.getByRole("dialog").getByLabel("The old one stops")).toHaveValue("day");
  await page.getByRole("dialog").getByTestId("rotate-yes").click();
  const secret = await page.getByTestId("service-credential").innerText();
  expect(secret).toMatch(/^rcv_/);
  await expect(page.getByTestId("credential-row")).toHaveCount(2);
  const retiring = page.getByTestId("credential-row").filter({ hasText: old.slice(-4) });
  await expect(retiring.getByTestId("credential-retires")).toHaveText(/^replaced, stops in (24 h|1 day)$/);
  await expect(retiring.getByTestId("rotate")).toHaveCount(0);
  for (const credential of [old, secret]) {
    const asked = await page.request.post("/oauth/introspect", { form: { token: "x" }, headers: { Authorization: `Bearer ${credential}` } });
    expect(asked.status()).toBe(200);
  }
  await page.getByTestId("credential-saved").click();
  await look(page, "security-credential-rotated");
});

test("an auditor reads a receipt and rotates nothing; without a script it says why", async ({ page, server, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  const okta = new Okta(acme.baseUrl, acme.token);
  const hers = await otherBrowser();
  await join(hers, server, acme, MIRA);
  const [mira] = await okta.match(MIRA);
  const ada = { email: "ada@acme.test", given: "Ada", family: "Berg", externalId: "00u-ada" };
  const auditor = await otherBrowser();
  await join(auditor, server, acme, ada);
  await signInOwner(page, acme);
  const { people } = await tell(page, server, "members", { page: "1" });
  const id = (email: string) => people.find((person: { email: string }) => person.email === email).member;
  await tell(page, server, "grant_role", { member: id(MIRA.email), role: "owner", password: INES.password });
  await tell(page, server, "grant_role", { member: id(ada.email), role: "auditor" });
  await tell(hers, server, "issue_token", { name: "Okta preview", lifetime: "year" });
  await okta.deactivate(mira.id);
  const { receipts } = await tell(page, server, "person", { member: id(MIRA.email) });
  const path = `/o/acme/members/${id(MIRA.email)}/receipts/${receipts[0].id}`;

  await auditor.goto(path);
  await alive(auditor);
  await expect(auditor.getByTestId("secret-of-leaver")).toContainText("Still works");
  await expect(auditor.getByTestId("rotate")).toHaveCount(0);
  await expect(auditor.getByText("Owners can rotate them.")).toBeVisible();
  await expect(auditor.getByText("Rotating needs JavaScript")).toHaveCount(0);

  const plain = await otherBrowser({ javaScriptEnabled: false, baseURL: server.url });
  await plain.goto(path);
  await enter(plain, INES.email, INES.password);
  await expect(plain).toHaveURL(path);
  await expect(plain.getByTestId("receipt-lead")).toHaveText(LEAD);
  await expect(plain.getByTestId("rotate")).toBeDisabled();
  await expect(plain.getByText("Rotating needs JavaScript")).toBeVisible();
});
