// A sync fails, and whoever looks after the identity provider finds out why.

import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { Okta } from "../support/idp";
import { expectVisibleFocus, tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { INES, MIRA } from "../support/people";
import type { Org } from "../support/server";
import { alive, auditRows, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

// Most of the time goes into axe.
test.describe.configure({ timeout: 240_000 });

const rows = (page: Page) => page.getByTestId("request-row");

/** Send what no identity provider of ours would. */
async function send(org: Org, method: string, path: string, body?: unknown, agent = "Okta SCIM Client 1.0.0") {
  const headers = { authorization: `Bearer ${org.token}`, "content-type": "application/scim+json", "user-agent": agent };
  const answer = await fetch(org.baseUrl + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  await answer.text();
  return answer;
}

/** Load the page until the log has so many requests: it is written after the answers. */
async function expectRows(page: Page, count: number) {
  await expect(async () => {
    await page.reload();
    await expect(rows(page)).toHaveCount(count, { timeout: 1_000 });
  }).toPass();
}

test("a failed request is found, read and taken along", async ({ page, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.getByRole("link", { name: "SCIM activity" }).click();
  await expect(page.getByText("No request yet")).toBeVisible();
  await look(page, "activity-empty");

  const okta = new Okta(acme.baseUrl, acme.token);
  const mira = await okta.create(MIRA);
  const body = { userName: MIRA.email, password: "hunter2hunter2", displayName: "<script>alert(1)</script>", name: { givenName: "Zorblax" } };
  const failed = await send(acme, "POST", "/Users", body, "<script>alert(2)</script>");
  expect(failed.status).toBe(409);
  await send(acme, "GET", `/Users?filter=${encodeURIComponent('usrName eq "Zorblax" xor')}`, undefined, "=HYPERLINK(1)");
  await send(acme, "PATCH", `/Users/${mira.id}`, { Operations: [{ op: "replace", value: { title: "Chief", "<script>x": 1, favouriteColour: "blue" } }] });
  await send(acme, "GET", "/ServiceProviderConfig");
  await page.reload();
  await expect(async () => {
    await page.reload();
    await expect(rows(page).first()).toContainText("ServiceProviderConfig", { timeout: 1_000 });
  }).toPass();
  await look(page, "activity");

  await test.step("by how it ended", async () => {
    await page.getByLabel("Outcome").selectOption({ label: "Failed" });
    await expect(page).toHaveURL("/o/acme/settings/activity?outcome=failed");
    await expect(rows(page)).toHaveCount(2);
    await expect(rows(page).first()).toContainText('filter=usrName eq "…" …');
    await look(page, "activity-failed");
  });

  await test.step("by whom it was about", async () => {
    await page.getByLabel("Outcome").selectOption({ label: "Any outcome" });
    await page.getByRole("searchbox").fill(MIRA.email);
    await page.keyboard.press("Enter");
    await expect(page.getByTestId("found")).toContainText(`User ${MIRA.email}`);
    await expect(rows(page).first()).toContainText("PATCH");
    await expect(rows(page).last()).toContainText("POST /Users");
    await page.getByRole("searchbox").fill("nobody@acme.test");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Nothing is called that")).toBeVisible();
    await look(page, "activity-none");
    await page.getByRole("link", { name: "Clear the filters" }).click();
    await expect(page).toHaveURL("/o/acme/settings/activity");
  });

  await test.step("one request, with what was sent and nobody's data", async () => {
    await page.getByLabel("Outcome").selectOption({ label: "Refused (4xx)" });
    await expect(rows(page)).toHaveCount(2);
    await page.getByRole("link", { name: "POST /Users" }).click();
    await expect(page.getByTestId("request-status")).toHaveText("409");
    await expect(page.getByText("uniqueness")).toBeVisible();
    const shown = page.getByTestId("request-body");
    await expect(shown).toContainText('"userName": "m…@acme.test"');
    await expect(shown).toContainText('"password": "•••"');
    for (const secret of ["hunter2", "Zorblax", "<script>"]) await expect(shown).not.toContainText(secret);
    await expect(page.getByText("<script>alert(2)</script>")).toBeVisible();
    await expect(page.getByText("It changed nothing.")).toBeVisible();
    await look(page, "activity-request");
  });

  await test.step("what a request did leads to the audit log, which leads back", async () => {
    await page.getByRole("link", { name: "Audit" }).click();
    await auditRows(page, "user.created").getByTestId("to-request").click();
    await expect(page.getByTestId("request-events")).toContainText("User created");
    await expect(page.getByTestId("request-events")).toContainText("Access began");
    await look(page, "activity-request-done");
  });

  await test.step("from her own page", async () => {
    await page.goto("/o/acme/members");
    await alive(page);
    await page.getByRole("link", { name: "Mira Olsen" }).click();
    await page.getByTestId("to-activity").click();
    await expect(rows(page).first()).toContainText("PATCH");
  });

  await test.step("as a file", async () => {
    await page.goto("/o/acme/settings/activity?outcome=failed");
    await alive(page);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("export-csv").click()]);
    expect(download.suggestedFilename()).toMatch(/^scim-activity-acme-\d{4}-\d\d-\d\d\.csv$/);
    const lines = readFileSync((await download.path())!, "utf8").split("\r\n");
    expect(lines).toHaveLength(4);
    expect(lines[1]).toContain(",'=HYPERLINK(1)");
  });

  await test.step("for how long it is kept", async () => {
    await page.getByLabel("Keep them for").selectOption("90 days");
    await page.getByTestId("keep-activity").click();
    await expect(page.getByTestId("said")).toContainText("kept for as long as you chose");
    await expect(page.getByTestId("kept")).toContainText("Each for 90 days");
  });

  guard.allow(404, "/o/acme/settings/activity/nothing");
  await page.goto("/o/acme/settings/activity/nothing");
  await expect(page.getByTestId("problem")).toBeVisible();
});

test("without a pointer", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await send(acme, "GET", "/Users/u_01");
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/activity");
  await expectRows(page, 1);
  await alive(page);
  await tabTo(page, "Outcome");
  await expectVisibleFocus(page);
  await page.keyboard.press("ArrowDown");
  await expect(page).toHaveURL("/o/acme/settings/activity?outcome=failed");
  await tabTo(page, "GET /Users/u_01");
  await expectVisibleFocus(page);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("request-status")).toHaveText("404");
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("filters, pages and the retention are plain forms and links", async ({ page, server }) => {
    const acme = await server.bootstrap("Acme", INES);
    await send(acme, "GET", "/Users/u_01");
    for (let number = 0; number < 55; number++) await send(acme, "GET", "/Schemas");
    await signInOwner(page, acme);
    await page.goto("/o/acme/settings/activity?about=users");
    await expectRows(page, 1);
    await page.goto("/o/acme/settings/activity");
    await expectRows(page, 50);
    await page.getByRole("link", { name: "Older" }).click();
    await expect(rows(page)).toHaveCount(6);
    await page.getByRole("link", { name: "Newest" }).click();
    await page.getByLabel("About").selectOption("Users");
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(rows(page)).toHaveCount(1);
    await page.getByRole("link", { name: "GET /Users/u_01" }).click();
    await expect(page.getByTestId("request-status")).toHaveText("404");
    await page.getByRole("link", { name: "SCIM activity" }).first().click();
    await page.getByLabel("Keep them for").selectOption("7 days");
    await page.getByTestId("keep-activity").click();
    await expect(page.getByTestId("kept")).toContainText("Each for 7 days");
  });
});
