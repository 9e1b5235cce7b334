// The audit log is searched, taken away, and kept for as long as an owner says.

import { readFileSync } from "node:fs";
import { Okta } from "../support/idp";
import { expectVisibleFocus, tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { INES, MIRA } from "../support/people";
import { alive, auditRows, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

// Most of the time goes into axe.
test.describe.configure({ timeout: 240_000 });

test("entries are found and taken along", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  const okta = new Okta(acme.baseUrl, acme.token);
  await okta.deactivate((await okta.create(MIRA)).id);
  await signInOwner(page, acme);
  await page.getByRole("link", { name: "Audit" }).click();
  await expect(auditRows(page, "user.changed")).toContainText("true → false");
  await expect(page.getByTestId("sealed")).toContainText(/Nothing is sealed yet|Sealed up to/);
  await look(page, "audit-with-filters");

  await page.getByLabel("What").selectOption({ label: "Directory" });
  await expect(page).toHaveURL("/o/acme/settings/audit?group=directory");
  await expect(auditRows(page, "user.created")).toHaveCount(1);
  await expect(auditRows(page, "access.ended")).toHaveCount(0);
  await page.getByRole("searchbox").fill("nobody at all");
  await page.keyboard.press("Enter");
  await expect(page.getByText("No entry is like that")).toBeVisible();
  await look(page, "audit-none");
  await page.getByRole("link", { name: "Clear the filters" }).click();
  await expect(page).toHaveURL("/o/acme/settings/audit");

  for (const [button, kind] of [["export-csv", "csv"], ["export-jsonl", "jsonl"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId(button).click()]);
    expect(download.suggestedFilename()).toMatch(new RegExp(`^audit-acme-\\d{4}-\\d\\d-\\d\\d\\.${kind}$`));
    expect(readFileSync((await download.path())!, "utf8")).toContain("audit.exported");
  }
  await page.reload();
  await alive(page);
  await expect(auditRows(page, "audit.exported")).toHaveCount(2);

  await page.getByLabel("Keep them for").selectOption("7 years");
  await page.getByTestId("keep-audit").click();
  await expect(page.getByTestId("said")).toContainText("kept for as long as you chose");
  await expect(page.getByTestId("kept")).toContainText("For 7 years.");
  await expect(auditRows(page, "audit.retention_changed")).toContainText("for ever → 7 years");
});

test("without a pointer", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/audit");
  await alive(page);
  await tabTo(page, "What");
  await expectVisibleFocus(page);
  await page.keyboard.press("ArrowDown");
  await expect(page).toHaveURL("/o/acme/settings/audit?group=sign-in");
  await expect(auditRows(page, "sign_in.succeeded")).toHaveCount(1);
  await expect(auditRows(page, "organisation.founded")).toHaveCount(0);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("filters and the retention are plain forms", async ({ page, server }) => {
    const acme = await server.bootstrap("Acme", INES);
    await signInOwner(page, acme);
    await page.goto("/o/acme/settings/audit");
    await page.getByLabel("What").selectOption({ label: "Settings" });
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(auditRows(page, "organisation.founded")).toHaveCount(1);
    await expect(auditRows(page, "sign_in.succeeded")).toHaveCount(0);
    await page.getByLabel("Keep them for").selectOption("2 years");
    await page.getByTestId("keep-audit").click();
    await expect(page.getByTestId("kept")).toContainText("For 2 years.");
  });
});
