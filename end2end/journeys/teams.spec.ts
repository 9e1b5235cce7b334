// Teams and agents: an administrator makes them, seats are given by hand and by groups, and what a member can use follows.

import type { Page } from "@playwright/test";
import { Okta, type Person } from "../support/idp";
import { tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { INES, MIRA, PASSWORD } from "../support/people";
import type { Server } from "../support/server";
import { alive, enter, join, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

function person(given: string, family: string): Person {
  const email = `${given}.${family}@acme.test`.toLowerCase();
  return { email, given, family, externalId: email };
}
const JONAS = person("Jonas", "Berg");
const LONG = person("Bartholomew-Maximilian", "Featherstonehaugh-Cholmondeley");

/** Say it to the server as the page's browser would: what another journey shows. */
async function tell(page: Page, server: Server, call: string, form: Record<string, string>): Promise<any> {
  const answer = await page.request.post(`/api/${call}`, { form: { org: "acme", ...form }, headers: { Origin: server.url, Accept: "application/json" } });
  expect(answer.status(), `${call}: ${await answer.text()}`).toBe(200);
  return answer.json();
}

/** Map a group to what it is to give. */
async function map(page: Page, server: Server, group: string, target: string) {
  const form = { action: "create", group, target };
  const { hash } = await tell(page, server, "preview_mapping", form);
  await tell(page, server, "apply_mapping", { ...form, plan: hash });
}

async function createTeam(page: Page, name: string) {
  await page.goto("/o/acme/teams");
  await page.getByLabel("Name of the new team").fill(name);
  await page.getByTestId("create-team").click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
}

async function createAgent(page: Page, name: string, description: string, team = "No team") {
  await page.goto("/o/acme/agents");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("What it does").fill(description);
  await page.getByLabel("Team that answers for it").selectOption({ label: team });
  await page.getByTestId("create-agent").click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
}

/** On a team's page: search for somebody. */
async function find(page: Page, text: string) {
  await page.getByLabel("Add somebody").fill(text);
  await page.getByTestId("find-people").click();
  await expect(page).toHaveURL(/[?&]find=/);
}

for (const engine of ["SQLite", "PostgreSQL"] as const) {
  test.describe(engine, () => {
    test.use({ engine });

    test("a seat in a team brings its agent, and the end of the seat takes it", async ({ page, server, otherBrowser }) => {
      const acme = await server.bootstrap("Acme", INES);
      const mira = await otherBrowser();
      await join(mira, server, acme, MIRA);
      await mira.goto("/o/acme/agents");
      await expect(mira.getByText("There is no agent that you can use")).toBeVisible();

      await signInOwner(page, acme);
      await createTeam(page, "Platform");
      await createAgent(page, "Scout", "Reads tickets and sorts them.", "Platform");
      await page.getByRole("checkbox", { name: "Platform" }).check();
      await page.getByTestId("save-access").click();
      await expect(page.getByRole("status").filter({ hasText: "holds from the next request on" })).toBeVisible();
      await expect(page.getByTestId("agent-people")).toHaveText("0 people at the moment");
      await page.reload();
      await expect(page.getByRole("checkbox", { name: "Platform" })).toBeChecked();
      await mira.reload();
      await expect(mira.getByText("There is no agent that you can use")).toBeVisible();

      await test.step("found and given a seat", async () => {
        await page.goto("/o/acme/teams");
        await page.getByRole("link", { name: "Platform" }).click();
        await find(page, "nobody of that name");
        await expect(page.getByTestId("nobody-found")).toBeVisible();
        await find(page, "MIRA");
        await page.getByTestId("give-member").click();
        await expect(page.getByRole("status").filter({ hasText: "The seat is given." })).toBeVisible();
        await expect(page.getByRole("heading", { name: "Seats by hand" })).toBeFocused();
        await expect(page.getByTestId("hand-seat")).toContainText("Mira Olsen");
        await expect(page.getByTestId("found-member")).toContainText("Has a seat: Member");
      });

      await test.step("she sees the agent, and by what she may use it", async () => {
        await mira.reload();
        await mira.getByTestId("agent-row").getByRole("link", { name: "Scout" }).click();
        await expect(mira.getByTestId("usable")).toHaveText("by your team Platform");
        await expect(mira.getByRole("button", { name: "Delete agent" })).toHaveCount(0);
        await mira.goto("/o/acme/teams");
        await expect(mira.getByTestId("team-row")).toContainText("You are in it");
        await expect(mira.getByTestId("create-team")).toHaveCount(0);
      });

      await test.step("as a lead she gives seats herself", async () => {
        await page.getByTestId("change-seat").click();
        await expect(page.getByTestId("hand-seat")).toHaveAttribute("data-role", "lead");
        await mira.getByRole("link", { name: "Platform" }).click();
        await find(mira, "ines");
        await expect(mira.getByTestId("give-lead")).toHaveCount(0);
        await mira.getByTestId("give-member").click();
        await expect(mira.getByTestId("hand-seat")).toHaveCount(2);
        // Her own is a lead's seat: it is not hers to take.
        await expect(mira.getByTestId("remove-seat")).toHaveCount(1);
      });

      await test.step("without the seat, the agent is gone at once", async () => {
        await page.reload();
        await page.getByRole("button", { name: "Remove: Mira Olsen" }).click();
        await expect(page.getByTestId("hand-seat")).toHaveCount(1);
        await mira.goto("/o/acme/agents");
        await expect(mira.getByText("There is no agent that you can use")).toBeVisible();
      });
    });
  });
}

test("without a script: a team, a seat, an agent and who may use it", async ({ browser, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  await new Okta(acme.baseUrl, acme.token).create(MIRA);
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL: server.url });
  guard.watch(context);
  const page = await context.newPage();
  await signInOwner(page, acme);
  await createTeam(page, "Platform");
  await page.goto("/o/acme/teams");
  await page.getByLabel("Name of the new team").fill("PLATFORM");
  await page.getByTestId("create-team").click();
  await expect(page.getByTestId("name-error")).toContainText("There is a team of this name already");
  await page.getByRole("link", { name: "Platform" }).click();
  await find(page, "mira");
  await page.getByTestId("give-lead").click();
  await expect(page.getByTestId("hand-seat")).toHaveAttribute("data-role", "lead");
  await createAgent(page, "Scout", "Reads tickets.");
  for (const box of ["Platform", "Owner"]) await page.getByRole("checkbox", { name: box }).check();
  await page.getByTestId("save-access").click();
  for (const box of ["Platform", "Owner"]) await expect(page.getByRole("checkbox", { name: box })).toBeChecked();
  await expect(page.getByTestId("agent-people")).toHaveText("2 people at the moment");
  for (const box of ["Platform", "Owner"]) await page.getByRole("checkbox", { name: box }).uncheck();
  await page.getByTestId("save-access").click();
  await expect(page.getByTestId("agent-people")).toHaveText("0 people at the moment");
  await page.getByTestId("delete-agent").click();
  await page.getByTestId("delete-agent-yes").click();
  await expect(page.getByText("There is no agent yet")).toBeVisible();
  await context.close();
});

test("by keyboard alone: a team is made, and deleted after its question", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.goto("/o/acme/teams");
  await alive(page);
  await tabTo(page, "Name of the new team");
  await page.keyboard.type("Platform");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Platform" })).toBeVisible();
  await tabTo(page, "Delete team");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toContainText("Nothing hangs off it.");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("Enter");
  await tabTo(page, "Delete team");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/o/acme/teams");
  await expect(page.getByText("There is no team yet")).toBeVisible();
});

test.describe("looks", () => {
  test.describe.configure({ timeout: 300_000 });

  test("teams and agents, as the owner sees them", async ({ page, server, guard }) => {
    const acme = await server.bootstrap("Acme", INES);
    const okta = new Okta(acme.baseUrl, acme.token);
    const [mira, jonas, long] = [await okta.create(MIRA), await okta.create(JONAS), await okta.create(LONG)];
    await signInOwner(page, acme);
    await page.goto("/o/acme/teams");
    await look(page, "teams-empty");
    await page.goto("/o/acme/agents");
    await look(page, "agents-empty");

    for (const name of ["Research", "Customer success in Northern and Eastern Europe", "Platform"]) await createTeam(page, name);
    await look(page, "team-empty");
    guard.allow(422, "/api/create_team");
    await page.goto("/o/acme/teams");
    await page.getByLabel("Name of the new team").fill("platform");
    await page.getByTestId("create-team").click();
    await expect(page.getByTestId("name-error")).toBeVisible();
    await look(page, "teams-taken");

    const { teams } = await tell(page, server, "teams", {});
    const platform = teams.find((team: { name: string }) => team.name === "Platform").id;
    await map(page, server, await okta.pushGroup("Engineering", [mira, jonas, long]), `team:${platform}:member`);
    await map(page, server, await okta.pushGroup("Engineering Managers", [jonas]), `team:${platform}:lead`);
    const { people } = await tell(page, server, "members", { page: "1" });
    const member = (name: string) => people.find((person: { name: string }) => person.name.startsWith(name)).member;
    for (const [name, role] of [["Ines", "lead"], ["Bartholomew", "member"]]) await tell(page, server, "give_seat", { team: platform, member: member(name), role });
    await createAgent(page, "Scout", "Reads every ticket, sorts it by what it is about, and asks back where something is missing.\nNever answers by itself.", "Platform");
    for (const box of ["Platform", "Research", "Auditor"]) await page.getByRole("checkbox", { name: box }).check();
    await page.getByTestId("save-access").click();
    await expect(page.getByTestId("agent-people")).toHaveText("4 people at the moment");
    await look(page, "agent");
    await page.getByTestId("delete-agent").click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await look(page, "agent-delete-dialog");
    await createAgent(page, "Onboarding helper", "");
    await page.goto("/o/acme/agents");
    await look(page, "agents");

    await page.goto("/o/acme/teams");
    await look(page, "teams");
    await page.getByRole("link", { name: "Platform" }).click();
    await find(page, "acme");
    await expect(page.getByTestId("found-member")).toHaveCount(4);
    await look(page, "team");
    await page.getByTestId("delete-team").click();
    await expect(page.getByRole("dialog")).toContainText("2 seats given by hand and 2 mappings of groups go with it.");
    await look(page, "team-delete-dialog");
    await page.keyboard.press("Escape");
    await page.goto(`${new URL(page.url()).pathname}?page=9`);
    await look(page, "team-beyond");
    guard.allow(404, "/o/acme/teams/nonesuch");
    await page.goto("/o/acme/teams/nonesuch");
    await look(page, "team-not-found");
  });

  test("teams and agents, as a member and as a lead see them", async ({ page, server, otherBrowser }) => {
    const acme = await server.bootstrap("Acme", INES);
    const owner = await otherBrowser();
    await signInOwner(owner, acme);
    await join(page, server, acme, MIRA);
    await page.goto("/o/acme/teams");
    await look(page, "teams-empty-as-member");
    await page.goto("/o/acme/agents");
    await look(page, "agents-empty-as-member");

    await createTeam(owner, "Platform");
    const { teams } = await tell(owner, server, "teams", {});
    await createAgent(owner, "Scout", "Reads every ticket and sorts it.", "Platform");
    for (const box of ["Platform", "Member"]) await owner.getByRole("checkbox", { name: box }).check();
    await owner.getByTestId("save-access").click();
    const { people } = await tell(owner, server, "members", { page: "1" });
    const id = people.find((person: { name: string }) => person.name === "Mira Olsen").member;
    await tell(owner, server, "give_seat", { team: teams[0].id, member: id, role: "member" });
    await page.goto("/o/acme/teams");
    await look(page, "teams-as-member");
    await page.getByRole("link", { name: "Platform" }).click();
    await look(page, "team-as-member");
    await tell(owner, server, "give_seat", { team: teams[0].id, member: id, role: "lead" });
    await page.reload();
    await find(page, "acme");
    await look(page, "team-as-lead");
    await page.goto("/o/acme/agents");
    await look(page, "agents-as-member");
    await page.getByRole("link", { name: "Scout" }).click();
    await look(page, "agent-as-member");
  });
});
