// Every page in every state worth looking at, see support/look.ts.

import { Entra, Okta, type Person } from "../support/idp";
import { look } from "../support/look";
import { INES, MIRA, OTTO, PASSWORD } from "../support/people";
import { activate, alive, enter, expectMember, join, memberRow, setUp, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

// Most of the time goes into axe, and none of it into what is tested elsewhere.
test.describe.configure({ timeout: 240_000 });

test("set-up", async ({ page, server, guard }) => {
  guard.allow(422, "/api/found");
  await page.goto(server.setUpLink);
  await look(page, "set-up");
  await setUp(page, server.setUpLink, { org: "Acme", ...INES, password: "passwordpassword" });
  await expect(page.getByTestId("password-error")).toBeVisible();
  await look(page, "set-up-error");
  await server.bootstrap("Acme", INES);
  await page.goto(server.setUpLink);
  await look(page, "set-up-gone");
});

test("sign-in", async ({ page, server, guard }) => {
  guard.allow(401, "/api/sign_in");
  await server.bootstrap("Acme", INES);
  await page.goto("/sign-in");
  await look(page, "sign-in");
  await enter(page, INES.email, "not the password at all");
  await expect(page.getByTestId("form-error")).toBeVisible();
  await look(page, "sign-in-error");
  await page.goto("/o/acme/members");
  await look(page, "sign-in-again");
});

test("activation, a member's pages and the choice of an organisation", async ({ page, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  const globex = await server.bootstrap("Globex Corporation and Daughters", OTTO);
  await new Okta(acme.baseUrl, acme.token).create(MIRA);
  const { link: first } = await server.mail(MIRA.email);
  await page.goto(first);
  await look(page, "activate");
  await activate(page, first, PASSWORD);
  await look(page, "members-as-member");

  guard.allow(403, "/o/acme/settings/security");
  await page.goto("/o/acme/settings/security");
  await look(page, "security-denied");
  guard.allow(404, new URL(first).pathname);
  await page.goto(first);
  await look(page, "activate-gone");

  await new Entra(globex.baseUrl, globex.token).create({ ...MIRA, externalId: "mira.olsen" });
  const { link: second } = await server.mail(MIRA.email, 2);
  await page.goto(second);
  await look(page, "activate-existing");
  await activate(page, second, PASSWORD);
  guard.allow(409, "/o/acme/members");
  await page.goto("/o/acme/members");
  await look(page, "other-organisation");
  await page.goto("/organisations");
  await look(page, "organisations");
});

test("members", async ({ page, server, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await look(page, "members-alone");

  const okta = new Okta(acme.baseUrl, acme.token);
  const person = (given: string, family: string, email = `${given}.${family}@acme.test`.toLowerCase()): Person => ({ email, given, family, externalId: email });
  await join(await otherBrowser(), server, acme, MIRA);
  const left = await okta.create(person("Lea", "Roth"));
  await okta.deactivate(left.id);
  await okta.create(person("Jonas", "Berg"));
  await okta.create(person("Bartholomew-Maximilian", "Featherstonehaugh-Cholmondeley", "bartholomew-maximilian.featherstonehaugh@engineering.acme.test"));
  await okta.create(person("Amara", "Diallo"));
  // A directory that has no address for somebody.
  await okta.create(person("Jun", "Park", "jun.park"));
  for (const email of ["jonas.berg@acme.test", "amara.diallo@acme.test"]) await expectMember(page, email, "activation-sent");

  // It takes an hour until sending is given up: the browser is told that it was.
  await page.route("/api/members", async (route) => {
    const response = await route.fetch();
    const view = await response.json();
    const access = (name: string) => view.people.find((person: { name: string }) => person.name === name);
    access("Amara Diallo").access = { ActivationFailed: { reason: "550 5.1.1 The mailbox amara.diallo@acme.test does not exist" } };
    access("Jonas Berg").access = { ActivationPending: { has_address: true, queued: false } };
    await route.fulfill({ response, json: view });
  });
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByRole("link", { name: "Members" }).click();
  await expect(memberRow(page, "amara.diallo@acme.test")).toHaveAttribute("data-state", "activation-failed");
  // Who has left is shown to those who ask.
  await page.getByLabel("Status").selectOption("any");
  await expect(memberRow(page, "lea.roth@acme.test")).toBeVisible();
  const states = await page.getByTestId("member-row").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-state")));
  expect(new Set(states)).toEqual(new Set(["active", "activation-pending", "activation-sent", "activation-failed", "inactive"]));
  await look(page, "members");
  await page.goto("/o/acme/members?page=9");
  await look(page, "members-beyond");
});

test("a page that waits, and one that cannot be shown", async ({ page, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/audit");
  await alive(page);
  let answer = () => {};
  const answered = new Promise<void>((done) => (answer = done));
  await page.route("/api/members", async (route) => {
    await answered;
    await route.fulfill({ status: 503, json: "Unavailable" });
  });
  await page.getByRole("link", { name: "Members" }).click();
  await expect(page.getByText("Loading")).toBeAttached();
  await look(page, "loading");
  guard.allow(503, "/api/members");
  answer();
  await expect(page.getByTestId("problem")).toContainText("The database cannot be reached");
  await look(page, "unavailable");
});

test("security", async ({ page, server }) => {
  await setUp(page, server.setUpLink, { org: "Acme", ...INES });
  await look(page, "security-off");
  await page.getByTestId("enable-scim").click();
  await expect(page.getByTestId("scim-status")).toHaveText("Waiting");
  await look(page, "security-enabled");

  const form = page.getByTestId("issue-token-form");
  await form.getByLabel("Name").fill("Okta production");
  await form.getByRole("button", { name: "Issue token" }).click();
  const token = await page.getByTestId("provisioning-token").innerText();
  await look(page, "security-token-shown");
  await page.getByTestId("token-saved").click();

  const okta = new Okta(await page.getByTestId("base-url").innerText(), token);
  await okta.testCredentials();
  const mira = await okta.create(MIRA);
  await okta.deactivate(mira.id);
  await form.getByLabel("Name").fill("Okta preview");
  await form.getByRole("button", { name: "Issue token" }).click();
  await page.getByTestId("token-saved").click();
  await page.reload();
  await expect(page.getByTestId("issue-obstacle")).toContainText("Two tokens are live");
  await look(page, "security-connected");

  const preview = page.getByTestId("token-row").filter({ hasText: "Okta preview" });
  await preview.getByTestId("revoke-token").click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await look(page, "security-revoke-dialog");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke token" }).click();
  await expect(preview).toHaveAttribute("data-state", "revoked");
  await look(page, "security-token-revoked");
  await page.getByTestId("disable-scim").click();
  await look(page, "security-disable-dialog");
  await page.getByRole("dialog").getByRole("button", { name: "Disable SCIM" }).click();
  await expect(page.getByTestId("scim-status")).toHaveText("Disabled");
  await look(page, "security-disabled");
});

test("audit", async ({ page, server, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  const okta = new Okta(acme.baseUrl, acme.token);
  await join(await otherBrowser(), server, acme, MIRA);
  const [mira] = await okta.match(MIRA);
  await okta.deactivate(mira.id);
  await new Okta(acme.baseUrl, "not-a-token").expectRefused();
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/audit");
  await look(page, "audit");

  // Enough for a second page.
  for (let times = 0; times < 18; times++) {
    await okta.reactivate(mira.id);
    await okta.deactivate(mira.id);
  }
  await page.reload();
  await look(page, "audit-long");
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.getByRole("link", { name: "Newest" })).toBeVisible();
  await look(page, "audit-older");
});

test("the menu of a narrow screen", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await page.setViewportSize({ width: 375, height: 800 });
  await signInOwner(page, acme);
  await alive(page);
  await page.getByText("Menu", { exact: true }).click();
  await expect(page.getByRole("link", { name: "Audit" })).toBeVisible();
  await look(page, "menu");
});

test("an address where nothing is", async ({ page, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  guard.allow(404, "/nothing/here");
  const response = await page.goto("/nothing/here");
  expect(response?.status()).toBe(404);
  await look(page, "not-found");

  await signInOwner(page, acme);
  guard.allow(404, "/o/acme/settings/nothing");
  expect((await page.goto("/o/acme/settings/nothing"))?.status()).toBe(404);
  await look(page, "not-found-signed-in");
});
