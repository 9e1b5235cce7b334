// What acts without a browser: a device that is let in, a token for a script, and a service that asks about both.

import { tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { INES } from "../support/people";
import type { Server } from "../support/server";
import { alive, auditRows, enter, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

// Most of the time goes into axe.
test.describe.configure({ timeout: 240_000 });

interface Answer {
  status: number;
  json: any;
}

/** A form that a program sends. */
async function send(server: Server, path: string, fields: Record<string, string>, authorization?: string): Promise<Answer> {
  const headers = { "User-Agent": "rollcall/1.0 (Linux)", ...(authorization ? { Authorization: authorization } : {}) };
  const response = await fetch(server.url + path, { method: "POST", headers, body: new URLSearchParams(fields) });
  return { status: response.status, json: await response.json() };
}

/** Who the API says that this token's person is. */
async function me(server: Server, token: string): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } });
  return { status: response.status, json: await response.json() };
}

const CLIENT = { client_id: "rollcall-cli" };
const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

test("a device is let in, acts for its person, and is let in no longer", async ({ page, server, guard }) => {
  await server.bootstrap("Acme", INES);
  const { json: asked } = await send(server, "/oauth/device_authorization", CLIENT);
  expect(asked).toMatchObject({ user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/), verification_uri: `${server.url}/device` });

  await test.step("its address leads through sign-in to the question", async () => {
    await page.goto(asked.verification_uri_complete);
    await expect(page).toHaveURL(/\/sign-in\?next=/);
    await alive(page);
    await enter(page, INES.email, INES.password);
    await expect(page).toHaveURL(`/o/acme/device?code=${asked.user_code}`);
  });

  const request = page.getByTestId("device-request");
  await expect(request.getByRole("heading", { level: 2 })).toHaveText("Rollcall on the command line asks to be let in");
  for (const said of [asked.user_code, "Acme", "127.0.0.1", "just now", "Only say yes if you started this yourself"]) await expect(request).toContainText(said);
  await expect(page.getByTestId("scopes").getByRole("listitem")).toHaveText(["See who you are, and your role and teams", "Use the agents that you may use"]);
  await look(page, "device");

  await test.step("by keyboard, she says yes", async () => {
    await request.evaluate((card: HTMLElement) => {
      card.tabIndex = -1;
      card.focus();
    });
    await tabTo(page, "Let it in");
    await page.keyboard.press("Enter");
    await expect(page.getByTestId("answered")).toBeFocused();
    await expect(page.getByTestId("answered")).toContainText("Go back to your device.");
    await look(page, "device-let-in");
  });

  const { status, json: tokens } = await send(server, "/oauth/token", { ...CLIENT, grant_type: GRANT, device_code: asked.device_code });
  expect({ status, tokens }).toMatchObject({ status: 200, tokens: { token_type: "Bearer", scope: "profile agents" } });
  expect(await me(server, tokens.access_token)).toMatchObject({ status: 200, json: { org: { slug: "acme" }, role: "owner" } });

  await test.step("she sees the client, and ends it", async () => {
    await page.getByTestId("answered").getByRole("link", { name: "API access" }).click();
    await expect(page).toHaveURL("/o/acme/api-access");
    const client = page.getByTestId("client");
    await expect(client).toContainText("Rollcall on the command line");
    await look(page, "api-access-client");
    await client.getByTestId("end-client").click();
    await look(page, "api-access-end-dialog");
    await page.getByRole("dialog").getByTestId("end-client-yes").click();
    await expect(client).toHaveCount(0);
    await expect(page.getByRole("heading", { name: "Clients" })).toBeFocused();
  });
  expect((await me(server, tokens.access_token)).status).toBe(401);
  const again = await send(server, "/oauth/token", { ...CLIENT, grant_type: "refresh_token", refresh_token: tokens.refresh_token });
  expect(again).toMatchObject({ status: 400, json: { error: "invalid_grant" } });

  await test.step("a code that was answered is no code any more", async () => {
    guard.allow(404, "/o/acme/device");
    await page.goto(asked.verification_uri_complete);
    await expect(page.getByTestId("code-error")).toContainText("No device is waiting with this code");
    await expect(page.getByLabel("Code")).toHaveAttribute("aria-invalid", "true");
    await look(page, "device-unknown");
  });

  await page.goto("/o/acme/settings/audit");
  await expect(auditRows(page, "device.approved")).toHaveCount(1);
});

test("a code is typed by hand, and a device is not let in", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  const { json: asked } = await send(server, "/oauth/device_authorization", { ...CLIENT, scope: "profile" });
  await signInOwner(page, acme);
  await page.goto("/device");
  await expect(page).toHaveURL("/o/acme/device");
  await look(page, "device-code");
  await page.getByLabel("Code").fill(asked.user_code.toLowerCase().replace("-", " "));
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("scopes").getByRole("listitem")).toHaveText(["See who you are, and your role and teams"]);
  await alive(page);
  await page.getByRole("button", { name: "Do not let it in" }).click();
  await expect(page.getByTestId("answered")).toContainText("It was not let in");
  await look(page, "device-kept-out");
  const told = await send(server, "/oauth/token", { ...CLIENT, grant_type: GRANT, device_code: asked.device_code });
  expect(told).toMatchObject({ status: 400, json: { error: "access_denied" } });
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a code is typed and the device let in", async ({ page, server, guard }) => {
    const acme = await server.bootstrap("Acme", INES);
    const { json: asked } = await send(server, "/oauth/device_authorization", CLIENT);
    await signInOwner(page, acme);
    await page.goto("/device");
    await page.getByLabel("Code").fill(asked.user_code);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("button", { name: "Let it in", exact: true }).click();
    await expect(page.getByTestId("answered")).toContainText("It is in");
    // Whoever goes back to the code is told that it was answered.
    guard.allow(404, "/o/acme/device");
    await page.goto(`/device?code=${asked.user_code}`);
    await expect(page.getByTestId("code-error")).toContainText("It was answered already");
    const { status } = await send(server, "/oauth/token", { ...CLIENT, grant_type: GRANT, device_code: asked.device_code });
    expect(status).toBe(200);
  });
});

test("a personal token is made and used, and a service asks about it", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.getByRole("navigation", { name: "Yours" }).getByRole("link", { name: "API access" }).click();
  await expect(page.getByText("You have no personal token")).toBeVisible();
  await look(page, "api-access-empty");

  const form = page.getByTestId("make-token-form");
  const boxes = form.getByRole("checkbox");
  await expect(boxes).toHaveCount(2);
  await form.getByLabel("What it is for").fill("Nightly report");
  await test.step("nothing ticked is not everything", async () => {
    for (const box of await boxes.all()) await box.uncheck();
    await form.getByRole("button", { name: "Make token" }).click();
    await expect(page.getByTestId("form-error")).toContainText("Tick at least one thing");
  });
  await form.getByLabel("See who you are").check();
  await form.getByLabel("Lifetime").selectOption("7 days");
  await form.getByRole("button", { name: "Make token" }).click();
  await expect(page.getByTestId("personal-token")).toHaveText(/^rcp_/);
  const token = await page.getByTestId("personal-token").innerText();
  await expect(page.getByRole("region", { name: /Your new token/ })).toBeFocused();
  await expect(page.getByTestId("issue-obstacle")).toContainText("Save the token above");
  await look(page, "api-access-token-shown");
  await page.getByTestId("token-saved").click();
  await expect(page.getByTestId("personal-token")).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Personal tokens" })).toBeFocused();
  expect(await me(server, token)).toMatchObject({ status: 200, json: { role: "owner" } });

  const credential = await test.step("an owner gives a service its credential", async () => {
    await page.getByRole("link", { name: "Security" }).click();
    await expect(page.getByTestId("introspection-url")).toHaveText(`${server.url}/oauth/introspect`);
    const services = page.getByTestId("issue-credential-form");
    await services.getByLabel("Name of the service").fill("Build runners");
    await services.getByRole("button", { name: "Issue credential" }).click();
    const credential = await page.getByTestId("service-credential").innerText();
    await look(page, "security-credential-shown");
    await page.getByTestId("credential-saved").click();
    await expect(page.getByRole("heading", { name: "Service credentials" })).toBeFocused();
    return credential;
  });
  const ask = (of: string) => send(server, "/oauth/introspect", { token: of }, `Bearer ${credential}`);
  expect(await ask(token)).toMatchObject({ status: 200, json: { active: true, role: "owner", scope: "profile" } });

  await test.step("a token that is revoked is not good any more", async () => {
    await page.goto("/o/acme/api-access");
    await alive(page);
    const row = page.getByTestId("personal-token-row");
    await expect(row).toContainText("Nightly report");
    await look(page, "api-access-token");
    await row.getByTestId("revoke-personal-token").click();
    await page.getByRole("dialog").getByTestId("revoke-personal-token-yes").click();
    await expect(row).toHaveCount(0);
    expect((await me(server, token)).status).toBe(401);
    expect(await ask(token)).toEqual({ status: 200, json: { active: false } });
  });

  await test.step("a credential that is revoked asks nothing any more", async () => {
    await page.goto("/o/acme/settings/security");
    await alive(page);
    const row = page.getByTestId("credential-row");
    await expect(row).toContainText("Build runners");
    await look(page, "security-credential");
    await row.getByTestId("revoke-credential").click();
    await page.getByRole("dialog").getByTestId("revoke-credential-yes").click();
    await expect(row).toHaveCount(0);
    expect((await ask(token)).status).toBe(401);
  });
});

test("a password that was given too long ago is asked for in the form that needs it", async ({ page, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.goto("/o/acme/api-access");
  await alive(page);
  guard.allow(403, "/api/issue_personal_token");
  guard.allow(422, "/api/issue_personal_token");
  await page.route("/api/issue_personal_token", (route) => route.fulfill({ status: 403, json: "PasswordNeeded" }), { times: 1 });
  const form = page.getByTestId("make-token-form");
  await form.getByLabel("What it is for").fill("Nightly report");
  await form.getByRole("button", { name: "Make token" }).click();
  await expect(page.getByTestId("form-error")).toContainText("Enter your password again");
  const password = form.getByLabel("Your password");
  await expect(password).toHaveAccessibleDescription(/A token outlives your visit/);
  await password.fill("not her password at all");
  await form.getByRole("button", { name: "Make token" }).click();
  await expect(page.getByTestId("password-error")).toContainText("This is not your password");
  await expect(password).toBeFocused();
  await look(page, "api-access-password");
  await password.fill(INES.password);
  await form.getByRole("button", { name: "Make token" }).click();
  await expect(page.getByTestId("personal-token")).toBeVisible();
});
