// Groups decide roles: a group is mapped after its preview, the directory moves people, and what they have follows.

import type { Locator, Page } from "@playwright/test";
import { Okta, type Person, type ScimUser } from "../support/idp";
import { tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { INES, MIRA, PASSWORD } from "../support/people";
import type { Org, Server } from "../support/server";
import { activate, alive, enter, setUp, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

const INTEGRATIONS = "/o/acme/settings/integrations";

function person(given: string, family: string): Person {
  const email = `${given}.${family}@acme.test`.toLowerCase();
  return { email, given, family, externalId: email };
}
const ADA = person("Ada", "Berg");
const JUN = person("Jun", "Park");
const LEA = person("Lea", "Roth");
const NOA = person("Noa", "Lind");

/** Say it to the server as the owner's browser would: what another journey shows. */
async function tell(page: Page, server: Server, call: string, form: Record<string, string>): Promise<any> {
  const answer = await page.request.post(`/api/${call}`, { form: { org: "acme", ...form }, headers: { Origin: server.url, Accept: "application/json" } });
  expect(answer.status(), `${call}: ${await answer.text()}`).toBe(200);
  return answer.json();
}

/** A team with an agent that is its alone, and an agent that plain members may use. */
async function platform(page: Page, server: Server) {
  await tell(page, server, "create_team", { name: "Platform" });
  const { teams } = await tell(page, server, "teams", {});
  const access: Record<string, Record<string, string>> = { "Deploy bot": { "teams[0]": teams[0].id }, "Onboarding helper": { "roles[0]": "member" } };
  for (const name of Object.keys(access)) await tell(page, server, "create_agent", { name, description: "" });
  const { agents } = await tell(page, server, "agents", {});
  for (const { id, name } of agents) await tell(page, server, "set_agent_access", { agent: id, ...access[name] });
}

async function askFor(page: Page, group: string | RegExp, gives: string) {
  await page.goto(INTEGRATIONS);
  const form = page.getByTestId("map-form");
  const groups = form.getByLabel("Group", { exact: true });
  const options = await groups.locator("option").allInnerTexts();
  await groups.selectOption(options.find((option) => option.match(group))!);
  await form.getByLabel("What it gives").selectOption(gives);
  await form.getByRole("button", { name: "Preview" }).click();
  await expect(page).toHaveURL(/\/preview\?action=create/);
}

async function askForName(page: Page, name: string, gives: string) {
  await page.goto(INTEGRATIONS);
  const form = page.getByTestId("map-form");
  const groups = form.getByLabel("Group", { exact: true });
  if (await groups.count()) await groups.selectOption("name");
  await form.getByLabel(/exact name/i).fill(name);
  await form.getByLabel("What it gives").selectOption(gives);
  await form.getByRole("button", { name: "Preview" }).click();
  await expect(page).toHaveURL(/\/preview\?action=create/);
}

async function apply(page: Page) {
  await page.getByTestId("apply-mapping").click();
  await expect(page).toHaveURL(/\/settings\/integrations\?done=/);
}

function mapping(page: Page, group: string): Locator {
  return page.getByTestId("mapping-row").filter({ hasText: group });
}

/** What the preview that is open counts. */
async function expectPlan(page: Page, gain: number, lose: number, unchanged: number, without: number) {
  for (const [part, count] of Object.entries({ gain, lose, unchanged, "without-access": without })) {
    await expect(page.getByTestId(part).locator("dd"), part).toHaveText(new RegExp(`^${count} (person|people)$`));
  }
}

async function role(page: Page, server: Server, email: string): Promise<string> {
  const { people } = await tell(page, server, "members", { page: "1" });
  return people.find((person: { email: string }) => person.email === email).role;
}

async function provision(okta: Okta): Promise<Record<"mira" | "ada" | "jun" | "lea", ScimUser>> {
  return { mira: await okta.create(MIRA), ada: await okta.create(ADA), jun: await okta.create(JUN), lea: await okta.create(LEA) };
}

test.describe("looks", () => {
  // Most of the time goes into axe, and none of it into what is tested elsewhere.
  test.describe.configure({ timeout: 480_000 });

  test("before SCIM is on", async ({ page, server }) => {
    await setUp(page, server.setUpLink, { org: "Acme", ...INES });
    await expect(page).toHaveURL("/o/acme/settings/security");
    await page.goto(INTEGRATIONS);
    await expect(page.getByText("SCIM is off, so that no groups arrive")).toBeVisible();
    await look(page, "integrations-off");
    await page.goto("/o/acme/groups");
    await expect(page.getByText("SCIM is off, so that no groups arrive")).toBeVisible();
    await look(page, "groups-off");
  });

  test("mappings, from none to every state", async ({ page, server, guard, otherBrowser }) => {
    const acme = await server.bootstrap("Acme", INES);
    const okta = new Okta(acme.baseUrl, acme.token);
    await signInOwner(page, acme);
    await page.goto(INTEGRATIONS);
    await expect(page.getByText("No group has been pushed yet")).toBeVisible();
    await look(page, "integrations-no-groups");

    const { mira, ada, jun, lea } = await provision(okta);
    await okta.deactivate(lea.id);
    await platform(page, server);
    const managers = await okta.pushGroup("Engineering Managers", [mira, ada]);
    await okta.pushGroup("Engineering", [mira, ada, jun, lea]);
    const contractors = await okta.pushGroup("Contractors", [jun]);
    await okta.pushGroup("acme-prod-okta-rollcall-compliance-and-internal-audit-emea-2026", [lea]);
    await page.goto(INTEGRATIONS);
    await expect(page.getByText("No group is mapped yet")).toBeVisible();
    await look(page, "integrations-unmapped");

    await askFor(page, /^Engineering Managers/, "Admin");
    await expectPlan(page, 2, 2, 0, 0);
    await look(page, "integrations-preview");
    guard.allow(409, "/api/apply_mapping");
    guard.allow(422, "/api/preview_mapping");
    await okta.putInto(managers, jun);
    await page.getByTestId("apply-mapping").click();
    await expect(page.getByTestId("form-error")).toContainText("Something has changed");
    await expectPlan(page, 3, 3, 0, 0);
    await expect(page.getByRole("alert").filter({ hasText: "Something has changed" })).toBeFocused();
    await look(page, "integrations-stale");
    await apply(page);
    await expect(page.getByTestId("done")).toBeVisible();
    await look(page, "integrations-mapped");

    await askFor(page, /^Engineering ·/, "Member of Platform");
    await look(page, "integrations-preview-team");
    await apply(page);
    await askFor(page, /^acme-prod/, "Auditor");
    await look(page, "integrations-preview-nobody");
    await apply(page);
    await mapping(page, "acme-prod").getByTestId("pause-mapping").click();
    await apply(page);
    await askForName(page, "Finance", "Admin");
    await look(page, "integrations-preview-waiting");
    await apply(page);
    await okta.pushGroup("Finance", [mira, lea]);
    await askForName(page, "Security Response", "Lead of Platform");
    await apply(page);
    await askFor(page, /^Contractors/, "Auditor");
    await apply(page);
    await okta.deleteGroup(contractors);
    await page.goto(INTEGRATIONS);
    const states = await page.getByTestId("mapping-row").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-state")));
    expect(new Set(states)).toEqual(new Set(["active", "paused", "waiting", "unconfirmed", "closed"]));
    await look(page, "integrations");
    await mapping(page, "Finance").getByTestId("confirm-mapping").click();
    await expect(page).toHaveURL(/action=confirm/);
    await look(page, "integrations-preview-confirm");
    await page.goto(INTEGRATIONS);
    await mapping(page, "Engineering Managers").getByTestId("delete-mapping").click();
    await expectPlan(page, 3, 3, 0, 0);
    await look(page, "integrations-preview-delete");

    // What was asked for cannot be done.
    await askFor(page, /^Engineering Managers/, "Admin");
    await expect(page.getByTestId("refused")).toContainText("gives that already");
    await look(page, "integrations-refused");

    await page.goto("/o/acme/groups");
    await look(page, "groups");
    await page.getByLabel("Only those without a mapping").check();
    await page.getByLabel("Name").fill("nothing like that");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page.getByText("No group is like that")).toBeVisible();
    await look(page, "groups-none-found");
    await page.getByRole("link", { name: "Show all groups" }).click();
    await page.getByRole("link", { name: "Engineering", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Engineering");
    await look(page, "group");
    await okta.pushGroup("Nobody yet", []);
    await page.goto("/o/acme/groups");
    await page.getByRole("link", { name: "Nobody yet" }).click();
    await expect(page.getByText("Nobody is in this group")).toBeVisible();
    await look(page, "group-empty");

    await test.step("an auditor sees all of it, and no way to change it", async () => {
      await askForName(page, "Auditors", "Auditor");
      await apply(page);
      const auditors = await okta.pushGroup("Auditors", [await okta.create(NOA)]);
      await page.goto(INTEGRATIONS);
      await mapping(page, "Auditors").getByTestId("confirm-mapping").click();
      await apply(page);
      const hers = await otherBrowser();
      await activate(hers, (await server.mail(NOA.email)).link, PASSWORD);
      await hers.goto(INTEGRATIONS);
      await expect(hers.getByTestId("mapping-row")).not.toHaveCount(0);
      await expect(hers.getByTestId("map-form")).toHaveCount(0);
      await expect(hers.getByRole("main").getByRole("link", { name: /^(Pause|Resume|Confirm|Delete)/ })).toHaveCount(0);
      await look(hers, "integrations-auditor");
      await hers.goto(`/o/acme/groups/${auditors}`);
      await expect(hers.getByRole("link", { name: "Map this group" })).toHaveCount(0);
      await hers.goto("/o/acme/settings/security");
      await expect(hers.getByTestId("read-only")).toBeVisible();
      await expect(hers.getByRole("main").getByRole("button", { name: /Enable|Disable|Revoke|Issue/ })).toHaveCount(0);
      await look(hers, "security-read-only");
    });
  });
});

/** The journey of who moves from team to management and what follows. */
async function mapAndMove(page: Page, server: Server, acme: Org, map: (group: string, gives: string) => Promise<void>) {
  const okta = new Okta(acme.baseUrl, acme.token);
  const { mira, ada } = await provision(okta);
  const engineering = await okta.pushGroup("Engineering", [mira, ada]);
  const managers = await okta.pushGroup("Engineering Managers", []);
  await platform(page, server);

  await map("Engineering", "Member of Platform");
  await expect(mapping(page, "Engineering").first()).toHaveAttribute("data-state", "active");
  await map("Engineering Managers", "Admin");
  await expect(page.getByTestId("mapping-row")).toHaveCount(2);
  expect(await role(page, server, MIRA.email)).toBe("member");

  // The directory moves her: out of one group, into the other.
  await okta.takeOutOf(engineering, mira);
  await okta.putInto(managers, mira);
  expect(await role(page, server, MIRA.email)).toBe("admin");
  expect(await role(page, server, ADA.email)).toBe("member");
  return { engineering, managers };
}

/** Her page says what she has since she was moved, through which group, and how it came about. */
async function expectMoved(page: Page) {
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Mira Olsen/);
  await expect(page.locator('[data-testid="role-reason"][data-role="admin"]')).toContainText("Engineering Managers");
  await expect(page.getByTestId("seat-reason")).toHaveCount(0);
  await expect(page.getByTestId("group-of-person")).toHaveCount(1);
  await expect(page.getByTestId("group-of-person")).toContainText("Engineering Managers");
  const timeline = page.getByTestId("timeline-entry");
  await expect(timeline.filter({ hasText: "Admin" }).filter({ hasText: "Engineering Managers" })).not.toHaveCount(0);
  await expect(timeline.filter({ hasText: "Member of Platform" })).toHaveCount(2);
}

test("a group gives a seat, another makes admins, and who is moved has the one instead of the other", async ({ page, server, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  const previews: Record<string, () => Promise<void>> = {
    Engineering: async () => {
      await expectPlan(page, 2, 0, 0, 0);
      await expect(page.getByTestId("planned-change").filter({ hasText: "Mira Olsen" })).toContainText("no seat");
      await expect(page.getByTestId("planned-agent")).toContainText("Deploy bot");
    },
    "Engineering Managers": () => expectPlan(page, 0, 0, 0, 0),
  };
  const groups = await mapAndMove(page, server, acme, async (group, gives) => {
    await askFor(page, new RegExp(`^${group} ·`), gives);
    await previews[group]();
    await apply(page);
  });

  await test.step("her page says why, and she sees the agents of an admin", async () => {
    await page.goto("/o/acme/members");
    await page.getByRole("link", { name: "Mira Olsen" }).click();
    await expectMoved(page);
    await look(page, "person-moved");
    const hers = await otherBrowser();
    await activate(hers, (await server.mail(MIRA.email)).link, PASSWORD);
    const agents = await tell(hers, server, "agents", {});
    expect(agents.agents.filter((agent: { mine: string[] }) => agent.mine.length > 0)).toEqual([]);
    // Back to the team: her very next request has its agent, and the one for members.
    const okta = new Okta(acme.baseUrl, acme.token);
    const [mira] = await okta.match(MIRA);
    await okta.takeOutOf(groups.managers, mira);
    await okta.putInto(groups.engineering, mira);
    await hers.goto("/o/acme/agents");
    await expect(hers.getByTestId("agent-row")).toHaveText([/Deploy bot/, /Onboarding helper/]);
    await okta.takeOutOf(groups.engineering, mira);
    await okta.putInto(groups.managers, mira);
    await hers.goto("/o/acme/members");
    await expect(hers.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Integrations" })).toBeVisible();
  });

  await test.step("what would be lost is shown before it is", async () => {
    await page.goto(INTEGRATIONS);
    await mapping(page, "Engineering Managers").getByTestId("pause-mapping").click();
    await expectPlan(page, 1, 1, 0, 0);
    // An admin is not among the members, to whom this agent was granted.
    await expect(page.getByTestId("planned-change")).toContainText("gains Onboarding helper");
    await page.getByRole("link", { name: "Cancel" }).click();
    await expect(page).toHaveURL(INTEGRATIONS);
    expect(await role(page, server, MIRA.email)).toBe("admin");
    await mapping(page, "Engineering Managers").getByTestId("pause-mapping").click();
    await apply(page);
    await expect(page.getByTestId("done")).toHaveText("The mapping of “Engineering Managers” to Admin is paused: it gives nothing until it is resumed.");
    expect(await role(page, server, MIRA.email)).toBe("member");
    await mapping(page, "Engineering Managers").getByTestId("resume-mapping").click();
    await apply(page);
    expect(await role(page, server, MIRA.email)).toBe("admin");
    await mapping(page, "Engineering Managers").getByTestId("delete-mapping").click();
    await apply(page);
    await expect(page.getByTestId("mapping-row")).toHaveCount(1);
    expect(await role(page, server, MIRA.email)).toBe("member");
  });
});

/** Go down the list that has the focus until the choice that begins like this. */
async function choose(page: Page, label: string, beginning: string) {
  for (let press = 0; press < 20; press++) {
    if ((await page.getByLabel(label, { exact: true }).locator("option:checked").innerText()).startsWith(beginning)) return;
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`20 presses, and none is ${beginning}`);
}

test("the same by keyboard alone", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await mapAndMove(page, server, acme, async (group, gives) => {
    await page.goto(INTEGRATIONS);
    await alive(page);
    await tabTo(page, "Group", "Shift+Tab");
    await choose(page, "Group", `${group} ·`);
    await tabTo(page, "What it gives");
    await choose(page, "What it gives", gives);
    await tabTo(page, "Preview");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Map “${group}” to ${gives}`);
    await expect(page.getByRole("main")).toBeFocused();
    await tabTo(page, "Map the group");
    await page.keyboard.press("Enter");
    await expect(page.getByTestId("done")).toBeVisible();
    await expect(page.getByRole("main")).toBeFocused();
  });
  await tabTo(page, "Pause: Engineering Managers, Admin");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/action=pause/);
  await tabTo(page, "Cancel");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(INTEGRATIONS);
  await alive(page);
  await tabTo(page, "Members", "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/o/acme/members");
  await tabTo(page, "Mira Olsen");
  await page.keyboard.press("Enter");
  await expectMoved(page);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a preview, one that went stale, and what was done", async ({ page, server }) => {
    const acme = await server.bootstrap("Acme", INES);
    const okta = new Okta(acme.baseUrl, acme.token);
    const { mira, ada } = await provision(okta);
    const managers = await okta.pushGroup("Engineering Managers", [mira]);
    await page.goto("/sign-in");
    await enter(page, INES.email, INES.password);
    await askFor(page, /^Engineering Managers/, "Admin");
    await expectPlan(page, 1, 0, 0, 0);
    await okta.putInto(managers, ada);
    await page.getByTestId("apply-mapping").click();
    await expect(page.getByTestId("form-error")).toContainText("Something has changed");
    await expectPlan(page, 2, 0, 0, 0);
    await apply(page);
    await expect(mapping(page, "Engineering Managers")).toHaveAttribute("data-state", "active");
    await expect(page.getByTestId("done")).toContainText("The mapping is made.");
    await mapping(page, "Engineering Managers").getByTestId("delete-mapping").click();
    await apply(page);
    await expect(page.getByText("No group is mapped yet")).toBeVisible();

    await page.goto("/o/acme/groups");
    await page.getByLabel("Name").fill("nothing like that");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page.getByText("No group is like that")).toBeVisible();
    await page.getByRole("link", { name: "Show all groups" }).click();
    await page.getByRole("link", { name: "Engineering Managers" }).click();
    await page.getByRole("link", { name: "Map this group" }).click();
    await expect(page.getByLabel("Group", { exact: true }).locator("option:checked")).toHaveText("Engineering Managers · 2 people");
  });
});
