// People: the list with its filters, a person's page in every state, and what is decided there.

import type { Page } from "@playwright/test";
import { Okta, type Person } from "../support/idp";
import { tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { INES, MIRA, PASSWORD } from "../support/people";
import type { Server } from "../support/server";
import { activate, alive, enter, join, memberRow, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

// Most of the time goes into axe.
test.describe.configure({ timeout: 300_000 });

function person(given: string, family: string): Person {
  const email = `${given}.${family}@acme.test`.toLowerCase();
  return { email, given, family, externalId: email };
}
const ADA = person("Ada", "Berg");
const JUN = person("Jun", "Park");
const LEA = person("Lea", "Roth");

/** Say it to the server as the browser of this page would: what another journey shows. */
async function tell(page: Page, server: Server, call: string, form: Record<string, string>): Promise<any> {
  const answer = await page.request.post(`/api/${call}`, { form: { org: "acme", ...form }, headers: { Origin: server.url, Accept: "application/json" } });
  expect(answer.status(), `${call}: ${await answer.text()}`).toBe(200);
  return answer.json();
}

/** Let the group give this. */
async function map(page: Page, server: Server, group: string, target: string) {
  const wanted = { action: "create", group, target };
  const { hash } = await tell(page, server, "preview_mapping", wanted);
  await tell(page, server, "apply_mapping", { ...wanted, plan: hash });
}

/** Open somebody's page by her name in the list. */
async function open(page: Page, name: string) {
  await page.goto("/o/acme/members?status=any");
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(name);
  await alive(page);
}

/** Press the button and answer its question. */
async function decide(page: Page, testid: string, within = page.locator("body")) {
  // Before it has come to life, a question unfolds instead.
  await alive(page);
  await within.getByTestId(testid).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.getByRole("dialog").getByTestId(`${testid}-yes`).click();
}

test("the list is searched and filtered", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  const okta = new Okta(acme.baseUrl, acme.token);
  const [mira, ada] = [await okta.create(MIRA), await okta.create(ADA)];
  const jun = await okta.create(JUN);
  await okta.deactivate(jun.id);
  await okta.create(LEA);
  await signInOwner(page, acme);
  await map(page, server, await okta.pushGroup("Engineering Managers", [mira]), "org:admin");
  await map(page, server, await okta.pushGroup("Compliance", [mira, ada]), "org:auditor");
  await page.reload();
  await expect(page.getByTestId("member-row")).toHaveCount(4);
  await expect(memberRow(page, MIRA.email)).toContainText("group Engineering Managers");
  await look(page, "members-filters");

  // Typed, sent by Enter, and the focus stays where one types.
  const search = page.getByRole("searchbox", { name: "Search" });
  await search.fill("OLSEN");
  await search.press("Enter");
  await expect(page).toHaveURL("/o/acme/members?search=OLSEN");
  await expect(page.getByTestId("member-row")).toHaveCount(1);
  await expect(search).toBeFocused();
  await search.fill("nobody at all");
  await search.press("Enter");
  await expect(page.getByText("Nobody matches")).toBeVisible();
  await look(page, "members-nobody");
  await page.getByRole("link", { name: "Clear the filters" }).click();
  await expect(page).toHaveURL("/o/acme/members");
  await expect(search).toHaveValue("");
  await expect(page.getByTestId("member-row")).toHaveCount(4);

  // Chosen: at once, and by keyboard the next choice is one step away.
  const status = page.getByLabel("Status");
  await status.selectOption("left");
  await expect(page).toHaveURL("/o/acme/members?status=left");
  await expect(page.getByTestId("member-row")).toHaveCount(1);
  await expect(memberRow(page, JUN.email)).toHaveAttribute("data-state", "inactive");
  await page.getByLabel("Role").selectOption("admin");
  await status.selectOption("");
  await expect(page).toHaveURL("/o/acme/members?role=admin");
  await expect(page.getByTestId("member-summary")).toHaveText("1 of 5 people");
  await page.goBack();
  await expect(page).toHaveURL("/o/acme/members?role=admin&status=left");
  await expect(status).toHaveValue("left");
});

test("a person's page says why, and what changed it", async ({ page, server, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  const okta = new Okta(acme.baseUrl, acme.token);
  const hers = await otherBrowser({ userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" });
  await join(hers, server, acme, MIRA);
  const [mira] = await okta.match(MIRA);
  await okta.create(ADA);
  await signInOwner(page, acme);
  await tell(page, server, "create_team", { name: "Platform" });
  const { teams } = await tell(page, server, "teams", {});
  await tell(page, server, "create_agent", { name: "Deploy bot", description: "Ships what was reviewed." });
  const { agents } = await tell(page, server, "agents", {});
  await tell(page, server, "set_agent_access", { agent: agents[0].id, "teams[0]": teams[0].id });
  const engineering = await okta.pushGroup("Engineering", [mira]);
  const managers = await okta.pushGroup("Engineering Managers", []);
  await okta.pushGroup("Everybody in the Oslo office", [mira]);
  await map(page, server, engineering, `team:${teams[0].id}:member`);
  await map(page, server, managers, "org:admin");
  await map(page, server, managers, `team:${teams[0].id}:lead`);
  await okta.takeOutOf(engineering, mira);
  await okta.putInto(managers, mira);

  await open(page, "Mira Olsen");
  await expect(page.getByTestId("role-reason").first()).toContainText("Engineering Managers");
  await expect(page.getByTestId("seat-reason")).toContainText("Lead of Platform");
  await expect(page.getByTestId("agent-reach")).toContainText("Deploy bot");
  await expect(page.getByTestId("session")).toContainText("Firefox on Linux");
  await expect(page.getByTestId("profile-why")).toContainText("identity provider");
  const entries = page.getByTestId("timeline-entry");
  await expect(entries.filter({ hasText: "Became Admin through Engineering Managers" })).toHaveCount(1);
  await expect(entries.filter({ hasText: "No longer Member of Platform through Engineering" })).toHaveCount(1);
  await look(page, "person-directory");

  await test.step("a role by hand, and away with it", async () => {
    await page.getByTestId("grant-role").filter({ hasText: "Make auditor" }).click();
    await expect(page.getByRole("dialog")).toContainText("Make her an auditor?");
    await look(page, "person-grant-dialog");
    await page.getByRole("dialog").getByTestId("grant-role-yes").click();
    await expect(page.getByTestId("said")).toContainText("The role is granted");
    await expect(page.locator("#said")).toBeFocused();
    const auditor = page.locator('[data-testid="role-reason"][data-role="auditor"]');
    await expect(auditor).toContainText("by hand, Ines Vidal");
    await decide(page, "revoke-role", auditor);
    await expect(auditor).toHaveCount(0);
    await expect(entries.first()).toContainText("Role revoked");
  });

  await test.step("her session ends with her next request", async () => {
    await page.getByTestId("end-session").click();
    await expect(page.getByTestId("session")).toHaveCount(0);
    await hers.goto("/o/acme/members");
    await expect(hers).toHaveURL(/\/sign-in/);
  });

  await test.step("blocked, and let in again", async () => {
    await decide(page, "block-member");
    await expect(page.getByTestId("person-state")).toContainText("Blocked");
    await look(page, "person-blocked");
    await decide(page, "unblock-member");
    await expect(page.getByTestId("person-state")).toContainText("Active");
  });

  await test.step("her own page is hers to see, and offers her little", async () => {
    await hers.goto("/sign-in");
    await enter(hers, MIRA.email, PASSWORD);
    await expect(hers).toHaveURL("/o/acme/members");
    await okta.takeOutOf(managers, mira);
    await hers.goto("/o/acme/members");
    await hers.getByRole("banner").getByRole("link", { name: "Mira Olsen", exact: true }).click();
    await expect(hers.getByRole("heading", { level: 1 })).toContainText("you");
    await expect(hers.getByTestId("block-member")).toHaveCount(0);
    await expect(hers.getByTestId("grant-role")).toHaveCount(0);
    await expect(hers.getByTestId("end-session")).toHaveCount(1);
    await look(hers, "person-own");
  });

  await test.step("left", async () => {
    await page.reload();
    await decide(page, "remove-member");
    await expect(page.getByTestId("person-state")).toContainText("Inactive");
    await expect(page.getByText("She has no access")).toBeVisible();
    await look(page, "person-left");
    await decide(page, "restore-member");
    await expect(page.getByTestId("person-state")).toContainText("Active");
  });
});

test("a page out of reach", async ({ page, server, guard, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  const hers = await otherBrowser();
  await join(hers, server, acme, MIRA);
  await signInOwner(page, acme);
  const href = await page.getByRole("link", { name: INES.name, exact: true }).or(page.getByTestId("member-row").filter({ hasText: INES.email }).getByRole("link")).first().getAttribute("href");
  guard.allow(403, href!);
  expect((await hers.goto(href!))?.status()).toBe(403);
  await look(hers, "person-denied");
  // Nor is there a way to it.
  await hers.goto("/o/acme/members");
  await expect(memberRow(hers, INES.email).getByRole("link")).toHaveCount(0);
  guard.allow(403, "/o/acme/members/invite");
  expect((await hers.goto("/o/acme/members/invite"))?.status()).toBe(403);
  const nobody = "/o/acme/members/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
  guard.allow(404, nobody);
  expect((await page.goto(nobody))?.status()).toBe(404);
});

test("somebody is invited by hand, made an owner, and kept for emergencies", async ({ page, server, guard, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", { ...INES, name: INES.name });
  await signInOwner(page, acme);
  await page.getByTestId("invite").click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Invite");
  await look(page, "invite");
  guard.allow(422, "/api/invite");
  await page.getByLabel("Name").fill("Lea Roth");
  await page.getByLabel("E-mail address").fill(INES.email);
  await page.getByTestId("send-invitation").click();
  await expect(page.getByTestId("email-error")).toBeVisible();
  await look(page, "invite-error");
  await page.getByLabel("E-mail address").fill(LEA.email);
  await page.getByTestId("send-invitation").click();
  await expect(page.getByTestId("invited")).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("");
  await look(page, "invite-sent");
  const hers = await otherBrowser();
  await activate(hers, (await server.mail(LEA.email)).link, PASSWORD);

  await open(page, "Lea Roth");
  await look(page, "person-manual");
  await page.getByRole("textbox", { name: "Name" }).fill("Lea Roth-Berg");
  await page.getByTestId("save-name").click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Lea Roth-Berg");
  const makeOwner = page.getByTestId("grant-role").filter({ hasText: "Make owner" });
  await test.step("a password that was given too long ago is asked for again, where it is needed", async () => {
    guard.allow(403, "/api/grant_role");
    guard.allow(422, "/api/grant_role");
    await page.route("/api/grant_role", (route) => route.fulfill({ status: 403, json: "PasswordNeeded" }), { times: 1 });
    await makeOwner.click();
    await page.getByRole("dialog").getByTestId("grant-role-yes").click();
    await expect(page.getByTestId("form-error")).toContainText("Enter your password again");
    await expect(page.getByTestId("said")).toHaveCount(0);
    await makeOwner.click();
    const password = page.getByRole("dialog").getByLabel("Your password");
    await password.fill("not her password at all");
    await look(page, "person-password-dialog");
    await page.getByRole("dialog").getByTestId("grant-role-yes").click();
    await expect(page.getByTestId("form-error")).toContainText("This is not your password");
    await makeOwner.click();
    await password.fill(INES.password);
    await page.getByRole("dialog").getByTestId("grant-role-yes").click();
  });
  await expect(page.getByTestId("form-error")).toHaveCount(0);
  await expect(page.locator('[data-testid="role-reason"][data-role="owner"]')).toContainText("by hand, Ines Vidal");
  await decide(page, "break-glass");
  await expect(page.getByTestId("person-state")).toContainText("Kept for emergencies");

  await test.step("a directory user that matches her waits for an owner's word", async () => {
    await new Okta(acme.baseUrl, acme.token).create(LEA);
    await page.goto("/o/acme/members");
    await expect(page.getByTestId("held-links")).toContainText("Lea Roth-Berg");
    await look(page, "members-held");
    await page.getByTestId("held-links").getByRole("link").click();
    await expect(page.getByTestId("held-link")).toContainText(LEA.email);
    await look(page, "person-held");
    await decide(page, "decline-link");
    await expect(page.getByTestId("held-link")).toHaveCount(0);
  });
});

test("a person's page by keyboard alone", async ({ page, server, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  await join(await otherBrowser(), server, acme, MIRA);
  await signInOwner(page, acme);
  await alive(page);
  await tabTo(page, "Mira Olsen");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Mira Olsen");
  await tabTo(page, "Block");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("block-member")).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, "Block now");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("person-state")).toContainText("Blocked");
  await expect(page.locator("#said")).toBeFocused();
  await tabTo(page, "Lift the block");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the list is filtered, a role granted and a session ended", async ({ page, server, otherBrowser }) => {
    const acme = await server.bootstrap("Acme", INES);
    await join(await otherBrowser({ javaScriptEnabled: true }), server, acme, MIRA);
    await page.goto("/sign-in");
    await enter(page, INES.email, INES.password);
    await page.getByRole("searchbox", { name: "Search" }).fill("mira");
    await page.getByLabel("Role").selectOption("member");
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page).toHaveURL(/search=mira/);
    await expect(page.getByTestId("member-row")).toHaveCount(1);
    await page.getByRole("link", { name: "Mira Olsen", exact: true }).click();
    await page.getByTestId("grant-role").filter({ hasText: "Make admin" }).click();
    await page.getByTestId("grant-role-yes").filter({ hasText: "Make admin", visible: true }).click();
    await expect(page.locator('[data-testid="role-reason"][data-role="admin"]')).toContainText("by hand, Ines Vidal");
    await page.getByTestId("end-session").click();
    await expect(page.getByTestId("session")).toHaveCount(0);
  });
});
