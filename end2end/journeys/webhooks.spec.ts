// Systems of the customer's are told what happens, and owners see what became of it.

import type { Page } from "@playwright/test";
import { Okta } from "../support/idp";
import { look } from "../support/look";
import { INES, MIRA, PASSWORD } from "../support/people";
import { Receiver, claimsOf, signaturesBy } from "../support/receiver";
import { activate, alive, auditRows, join, signInOwner } from "../support/steps";
import { expect, test as base } from "../support/test";

// Most of the time goes into axe, and some into waiting for a second attempt.
base.describe.configure({ timeout: 240_000 });

const test = base.extend<{ receiver: Receiver }>({
  // The receivers are on this machine, which is not on the internet.
  database: async ({ database }, use) => use({ ...database, ROLLCALL_WEBHOOK_NETWORKS: "127.0.0.1/32" }),
  receiver: async ({}, use) => {
    const receiver = await Receiver.start();
    await use(receiver);
    await receiver.stop();
  },
});

/** Fill in the form that adds an endpoint for all events. */
async function fill(page: Page, name: string, url: string) {
  const form = page.getByTestId("add-endpoint-form");
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Address").fill(url);
  return form;
}

/** Add an endpoint that takes webhooks, save its secret, and open its page. */
async function add(page: Page, name: string, url: string): Promise<string> {
  await page.goto("/o/acme/settings/webhooks");
  await alive(page);
  await fill(page, name, url);
  await page.getByTestId("add-endpoint").click();
  const secret = await page.getByTestId("webhook-secret").innerText();
  await page.getByTestId("secret-saved").click();
  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  return secret;
}

const rows = (page: Page, type: string) => page.locator(`[data-testid="delivery-row"][data-type="${type}"]`);

/** Press "Refresh" until the newest delivery of this type stands like this. */
async function expectDelivery(page: Page, type: string, status: string) {
  await expect(async () => {
    await page.getByTestId("refresh").click();
    await expect(rows(page, type).first()).toHaveAttribute("data-status", status, { timeout: 1_000 });
  }).toPass();
}

test("an endpoint is added, tested, and told that somebody left", async ({ page, server, receiver, guard, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.getByRole("link", { name: "Webhooks" }).click();
  await expect(page.getByText("No endpoint yet")).toBeVisible();
  await look(page, "webhooks-empty");

  await test.step("what only the server can reach is refused at the field", async () => {
    guard.allow(422, "/api/create_webhook");
    await fill(page, "Curious", "https://169.254.169.254/latest/meta-data/");
    await page.getByTestId("add-endpoint").click();
    await expect(page.getByTestId("url-error")).toContainText("This address is not on the internet");
    await expect(page.getByLabel("Address")).toBeFocused();
    await look(page, "webhooks-refused");
  });

  await test.step("a choice of nothing is refused, too", async () => {
    const form = await fill(page, "Ticket system", receiver.url);
    await form.getByLabel("Only these").check();
    await form.getByLabel("A mapping was created").check();
    await expect(form.getByRole("group", { name: "Mappings" })).toBeVisible();
    await form.getByLabel("Security Event Tokens").check();
    await expect(form.getByRole("group", { name: "Mappings" })).toBeHidden();
    await look(page, "webhooks-choice");
    await page.getByTestId("add-endpoint").click();
    await expect(page.getByTestId("types-error")).toContainText("Tick at least one event");
    await form.getByLabel("Standard Webhooks").check();
    await form.getByLabel("All events").check();
    await expect(form.getByRole("group", { name: "Members" })).toBeHidden();
  });

  const secret = await test.step("its secret is shown once", async () => {
    await page.getByTestId("add-endpoint").click();
    await expect(page.getByTestId("webhook-secret")).toHaveText(/^whsec_/);
    await expect(page.getByRole("region", { name: /signing secret/ })).toBeFocused();
    await expect(page.getByTestId("issue-obstacle")).toContainText("Finish with the endpoint above");
    await look(page, "webhooks-secret");
    const secret = await page.getByTestId("webhook-secret").innerText();
    await page.getByTestId("secret-saved").click();
    await expect(page.getByRole("heading", { name: "Endpoints" })).toBeFocused();
    await expect(page.getByTestId("webhook-secret")).toHaveCount(0);
    const response = await page.reload();
    expect(await response!.text()).not.toContain("whsec_");
    return secret;
  });

  await page.getByRole("link", { name: "Ticket system" }).click();
  await expect(page.getByText("Nothing has been sent yet")).toBeVisible();
  await look(page, "webhook-new");

  await test.step("a test arrives, signed with the secret that was shown", async () => {
    await page.getByTestId("send-test").click();
    await expect(page.getByTestId("said")).toContainText("The test is on its way");
    await expect(page.getByRole("heading", { name: "Deliveries" })).toBeFocused();
    const [test] = await receiver.told("webhook.test");
    expect(test.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(test.body)).toMatchObject({ id: test.headers["webhook-id"], data: { org: { slug: "acme" }, actor: { name: INES.name } } });
    expect(signaturesBy(secret, test)).toBe(1);
    expect(signaturesBy(secret, { ...test, body: test.body.replace("acme", "evil") })).toBe(0);
    await expectDelivery(page, "webhook.test", "delivered");
    await expect(page.getByTestId("refresh")).toBeFocused();
    await expect(rows(page, "webhook.test")).toContainText(/204 after \d+ ms/);
  });

  await test.step("somebody leaves", async () => {
    await join(await otherBrowser(), server, acme, MIRA);
    const [{ id }] = await new Okta(acme.baseUrl, acme.token).match(MIRA);
    await new Okta(acme.baseUrl, acme.token).deactivate(id);
    const told = [(await receiver.told("session.revoked"))[0], (await receiver.told("member.left"))[0]];
    for (const message of told) expect(signaturesBy(secret, message)).toBe(1);
    const [revoked, left] = told.map(({ body }) => JSON.parse(body).data);
    const about = { subject: { kind: "member", name: "Mira Olsen", external_id: MIRA.externalId, directory_user_id: id }, access: { active: false, role: null } };
    expect(revoked).toMatchObject(about);
    expect(left).toMatchObject({ ...about, sequence: revoked.sequence + 1, request_id: revoked.request_id, actor: { kind: "provisioning_token" } });
    await expectDelivery(page, "member.left", "delivered");
    await expect(rows(page, "member.left")).toContainText("Mira Olsen");
    await look(page, "webhook");
  });

  await test.step("one delivery, whole", async () => {
    await rows(page, "member.left").getByRole("link").click();
    await expect(page.getByTestId("delivery-status")).toHaveText("Delivered");
    const [left] = await receiver.told("member.left");
    await expect(page.getByTestId("message-id")).toHaveText(String(left.headers["webhook-id"]));
    expect(JSON.parse(await page.getByTestId("delivery-body").innerText())).toEqual(JSON.parse(left.body));
    await expect(page.getByTestId("attempt-row")).toHaveCount(1);
    await look(page, "webhook-delivery");
    await page.getByTestId("send-again").click();
    await expect(page.getByTestId("said")).toContainText("on the way again");
    await expect(page.getByRole("heading", { name: "The event" })).toBeFocused();
    const [, again] = await receiver.told("member.left", 2);
    expect({ id: again.headers["webhook-id"], body: again.body }).toEqual({ id: left.headers["webhook-id"], body: left.body });
  });

  await page.goto("/o/acme/settings/audit");
  await expect(auditRows(page, "webhook.created")).toHaveCount(1);
});

test("what is not taken is tried again, given up, and sent again", async ({ page, server, receiver }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  const secret = await add(page, "Ticket system", receiver.url);

  await test.step("a failure is in the log, with the next try", async () => {
    receiver.answer = { status: 500, body: "<b>Busy</b>, come back <script>alert(1)</script>" };
    await page.getByTestId("send-test").click();
    await receiver.told("webhook.test");
    await expect(async () => {
      await page.getByTestId("refresh").click();
      await expect(rows(page, "webhook.test")).toContainText(/500 after \d+ ms.*1 attempt, next try in a moment/s, { timeout: 1_000 });
    }).toPass();
    // Before the pictures, which take longer than the first pause.
    receiver.answer = { status: 204 };
    await expect(page.getByTestId("endpoint-state")).toHaveText("Failing");
    await look(page, "webhook-failing");
  });

  await test.step("the next try is taken", async () => {
    await receiver.told("webhook.test", 2);
    await expectDelivery(page, "webhook.test", "delivered");
    await rows(page, "webhook.test").getByRole("link").click();
    await expect(page.getByTestId("attempt-row").first()).toContainText("204");
    await expect(page.getByTestId("attempt-answer").last()).toHaveText("<b>Busy</b>, come back <script>alert(1)</script>");
    await look(page, "webhook-delivery-retried");
    await page.getByRole("link", { name: "Ticket system" }).click();
  });

  await test.step("after a rotation both secrets sign", async () => {
    await page.getByTestId("rotate-secret").click();
    const next = await page.getByTestId("webhook-secret").innerText();
    expect(next).not.toBe(secret);
    await expect(page.getByTestId("both-sign-until")).toContainText("each message carries two signatures");
    await look(page, "webhook-rotated");
    await page.getByTestId("secret-saved").click();
    await expect(page.getByRole("heading", { name: "The endpoint itself" })).toBeFocused();
    await expect(page.getByTestId("both-sign")).toBeVisible();
    await expect(page.getByTestId("rotate-secret-form")).toContainText("The secret before still signs");
    await expect(page.getByLabel("The old one stops")).toHaveValue("at_once");
    receiver.messages.length = 0;
    await page.getByTestId("send-test").click();
    const [test] = await receiver.told("webhook.test");
    expect([signaturesBy(secret, test), signaturesBy(next, test)]).toEqual([1, 1]);
    await expectDelivery(page, "webhook.test", "delivered");
  });

  await test.step("410 means that nobody listens any more", async () => {
    receiver.messages.length = 0;
    receiver.answer = { status: 410 };
    await page.getByTestId("send-test").click();
    await expectDelivery(page, "webhook.test", "dead");
    await expect(page.getByTestId("switched-off")).toContainText("it answered 410 Gone");
    await expect(page.getByTestId("send-test")).toHaveCount(0);
    await look(page, "webhook-gone");
    await page.getByRole("navigation", { name: "Which deliveries" }).getByRole("link", { name: "Given up" }).click();
    await expect(page.getByTestId("delivery-row")).toHaveCount(1);
    await page.getByRole("navigation", { name: "Which deliveries" }).getByRole("link", { name: "Waiting" }).click();
    await expect(page.getByText("No delivery is like that")).toBeVisible();
    await page.getByRole("link", { name: "Webhooks" }).first().click();
    await expect(page.getByTestId("endpoint-row")).toContainText("1 was given up");
    await look(page, "webhooks");
    await page.getByRole("link", { name: "Ticket system" }).click();
  });

  await test.step("switched on, it gets what was given up", async () => {
    receiver.answer = { status: 204 };
    await page.getByTestId("switch").click();
    await expect(page.getByTestId("said")).toContainText("Switched on");
    await expect(page.getByTestId("switched-off")).toHaveCount(0);
    await page.getByTestId("replay-all").click();
    await expect(page.getByTestId("said")).toHaveText("1 delivery is on the way again.");
    const [gone, again] = await receiver.told("webhook.test", 2);
    expect(again.headers["webhook-id"]).toBe(gone.headers["webhook-id"]);
    await expectDelivery(page, "webhook.test", "delivered");
    await expect(page.getByTestId("replay-all")).toHaveCount(0);
  });

  await test.step("it is changed, and deleted", async () => {
    const form = page.getByTestId("change-endpoint-form");
    await form.getByLabel("Name").fill("Service desk");
    await form.getByLabel("Only these").check();
    await form.getByLabel("A member left").check();
    await page.getByTestId("save-endpoint").click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Service desk");
    await expect(page.getByRole("heading", { name: "The endpoint itself" })).toBeFocused();
    await page.reload();
    await alive(page);
    await expect(form.getByLabel("A member left")).toBeChecked();
    await expect(form.getByLabel("A member joined")).not.toBeChecked();
    await look(page, "webhook-changed");
    await page.getByTestId("delete-endpoint").click();
    await look(page, "webhook-delete-dialog");
    await page.getByRole("dialog").getByTestId("delete-endpoint-yes").click();
    await expect(page).toHaveURL("/o/acme/settings/webhooks");
    await expect(page.getByText("No endpoint yet")).toBeVisible();
  });
});

test("an endpoint for Security Event Tokens verifies them with the published key", async ({ page, server, receiver, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/webhooks");
  await alive(page);
  const form = await fill(page, "Signals", receiver.url);
  await form.getByLabel("Security Event Tokens").check();
  await page.getByTestId("add-endpoint").click();
  const added = page.getByTestId("endpoint-added");
  await expect(added).toBeFocused();
  await expect(page.getByTestId("webhook-secret")).toHaveCount(0);
  const jwks = await added.getByTestId("jwks-url").innerText();
  expect(jwks).toBe(`${server.url}/.well-known/jwks.json`);
  await look(page, "webhooks-added");
  await page.getByTestId("endpoint-added-done").click();
  await expect(page.getByRole("heading", { name: "Endpoints" })).toBeFocused();
  await page.getByRole("link", { name: "Signals" }).click();
  await expect(page.getByTestId("jwks-url")).toHaveText(jwks);
  await expect(page.getByTestId("rotate-secret")).toHaveCount(0);

  await page.getByTestId("send-test").click();
  await expect.poll(() => receiver.messages.length).toBe(1);
  const claims = await claimsOf(receiver.messages[0], jwks);
  expect(claims).toMatchObject({ iss: server.url, aud: receiver.url, jti: expect.stringMatching(/^evt_/), sub_id: { format: "opaque" } });
  expect(Object.keys(claims.events)).toEqual(["https://schemas.openid.net/secevent/ssf/event-type/verification"]);

  receiver.messages.length = 0;
  await join(await otherBrowser(), server, acme, MIRA);
  const [{ id }] = await new Okta(acme.baseUrl, acme.token).match(MIRA);
  await new Okta(acme.baseUrl, acme.token).deactivate(id);
  const revoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
  const told = async () => Promise.all(receiver.messages.map((message) => claimsOf(message, jwks)));
  await expect.poll(async () => (await told()).some((claims) => revoked in claims.events)).toBe(true);
  const revocation = (await told()).find((claims) => revoked in claims.events);
  expect(revocation).toMatchObject({ sub_id: { format: "iss_sub", iss: server.url }, events: { [revoked]: { initiating_entity: "system" } } });
  expect(revocation).not.toHaveProperty("exp");
  await expectDelivery(page, "session.revoked", "delivered");
  await look(page, "webhook-set");
});

test("an auditor looks, and has nothing to press", async ({ page, server, receiver, otherBrowser, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await add(page, "Ticket system", receiver.url);
  await page.getByTestId("send-test").click();
  await expectDelivery(page, "webhook.test", "delivered");
  const { pathname } = new URL(page.url());

  await page.goto("/o/acme/members/invite");
  await alive(page);
  await page.getByLabel("Name").fill("Amara Diallo");
  await page.getByLabel("E-mail address").fill("amara@acme.test");
  await page.getByLabel("Role").selectOption("auditor");
  await page.getByTestId("send-invitation").click();
  await expect(page.getByTestId("invited")).toBeVisible();
  const hers = await otherBrowser();
  await activate(hers, (await server.mail("amara@acme.test")).link, PASSWORD);
  await hers.getByRole("link", { name: "Webhooks" }).click();
  await expect(hers.getByTestId("read-only")).toBeVisible();
  await expect(hers.getByTestId("add-endpoint-form")).toHaveCount(0);
  await look(hers, "webhooks-as-auditor");
  await hers.getByRole("link", { name: "Ticket system" }).click();
  await rows(hers, "webhook.test").getByRole("link").waitFor();
  const buttons = hers.getByRole("main").getByRole("button");
  await expect(buttons).toHaveCount(0);
  await rows(hers, "webhook.test").getByRole("link").click();
  await expect(hers.getByTestId("delivery-status")).toHaveText("Delivered");
  await expect(buttons).toHaveText(["Copy"]);

  const member = await otherBrowser();
  await join(member, server, acme, MIRA);
  await expect(member.getByRole("link", { name: "Webhooks" })).toHaveCount(0);
  guard.allow(403, "/o/acme/settings/webhooks");
  guard.allow(403, pathname);
  await member.goto("/o/acme/settings/webhooks");
  await expect(member.getByTestId("problem")).toContainText("Webhooks are open to auditors");
  await member.goto(pathname);
  await expect(member.getByTestId("problem")).toBeVisible();
});

test("without a script, everything but secrets works", async ({ page, server, receiver, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await add(page, "Ticket system", receiver.url);
  const { pathname } = new URL(page.url());

  const plain = await otherBrowser({ javaScriptEnabled: false });
  await signInOwner(plain, acme);
  await plain.getByRole("link", { name: "Webhooks" }).click();
  await expect(plain.getByText("Adding an endpoint needs JavaScript")).toBeVisible();
  await expect(plain.getByTestId("add-endpoint")).toBeDisabled();
  await plain.getByRole("link", { name: "Ticket system" }).click();
  await expect(plain.getByText("Rotating a secret needs JavaScript")).toBeVisible();
  receiver.answer = { status: 410 };
  await plain.getByTestId("send-test").click();
  await receiver.told("webhook.test");
  await expectDelivery(plain, "webhook.test", "dead");
  await expect(plain.getByTestId("switched-off")).toBeVisible();
  receiver.answer = { status: 204 };
  await plain.getByTestId("switch").click();
  await expect(plain.getByTestId("switched-off")).toHaveCount(0);
  await plain.getByTestId("replay-all").click();
  await receiver.told("webhook.test", 2);

  const form = plain.getByTestId("change-endpoint-form");
  await form.getByLabel("Only these").check();
  await plain.getByTestId("save-endpoint").click();
  await expect(plain.getByTestId("types-error")).toContainText("Tick at least one event");
  await form.getByLabel("Only these").check();
  await form.getByLabel("A member left").check();
  await form.getByLabel("Address").fill("https://10.0.0.1/");
  await plain.getByTestId("save-endpoint").click();
  await expect(plain.getByTestId("url-error")).toContainText("not on the internet");
  await form.getByLabel("Only these").check();
  await form.getByLabel("A member left").check();
  await plain.getByTestId("save-endpoint").click();
  await plain.goto(pathname);
  await expect(form.getByLabel("A member left")).toBeChecked();
  await plain.getByTestId("delete-endpoint").click();
  await plain.getByTestId("delete-endpoint-yes").click();
  await expect(plain).toHaveURL(/\/settings\/webhooks\??$/);
  await expect(plain.getByText("No endpoint yet")).toBeVisible();
});
