// Everything that a form can do works without a script.

import { Okta } from "../support/idp";
import { INES, MIRA, PASSWORD } from "../support/people";
import { activate, auditRows, enter, memberRow, setUp, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

test.use({ javaScriptEnabled: false });

test("set up, enable SCIM, sign out, sign in", async ({ page, server }) => {
  await setUp(page, server.setUpLink, { org: "Acme", ...INES });
  await expect(page).toHaveURL("/o/acme/settings/security");
  await page.getByRole("button", { name: "Enable SCIM" }).click();
  await expect(page).toHaveURL(/\/o\/acme\/settings\/security\??$/);
  await expect(page.getByTestId("scim-status")).toHaveText("Waiting");
  await expect(page.getByTestId("base-url")).toHaveText(/\/scim\/[0-9a-f-]{36}\/v2$/);

  await test.step("a token needs JavaScript, and the page says so", async () => {
    await expect(page.getByText("Issuing a token needs JavaScript")).toBeVisible();
    await expect(page.getByRole("button", { name: "Issue token" })).toBeDisabled();
    await expect(page.getByRole("button", { name: /^Copy/ })).toHaveCount(0);
  });

  await page.getByTestId("sign-out").click();
  await expect(page).toHaveURL("/sign-in");
  await enter(page, INES.email, "not the password at all");
  await expect(page.getByTestId("form-error")).toContainText("do not match");
  await enter(page, INES.email, INES.password);
  await expect(page).toHaveURL("/o/acme/members");
});

test("what is wrong with a form is said at its field", async ({ page, server }) => {
  // Browsers check lengths by themselves; this one leaves that to the server.
  await page.route("**/set-up/*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace(/ minlength="\d+"/, "") });
  });
  await setUp(page, server.setUpLink, { org: "Acme", ...INES, password: "elevenchars" });
  await expect(page).toHaveURL(new RegExp(`^${server.setUpLink}`));
  await expect(page.getByTestId("password-error")).toContainText("at least 12 characters");
  // What travels in the URL says nothing of what was typed.
  expect(page.url()).not.toContain("elevenchars");
  await setUp(page, server.setUpLink, { org: "Acme", ...INES });
  await expect(page).toHaveURL("/o/acme/settings/security");
});

test("revoke a token, disable SCIM and enable it again", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  const okta = new Okta(acme.baseUrl, acme.token);
  await okta.testCredentials();
  await signInOwner(page, acme);
  await page.getByRole("link", { name: "Security" }).click();

  await page.getByTestId("revoke-token").click();
  await page.getByRole("button", { name: "Revoke token" }).click();
  await expect(page.getByTestId("token-row")).toHaveAttribute("data-state", "revoked");
  await okta.expectRefused();

  await page.getByTestId("disable-scim").click();
  await page.getByRole("button", { name: "Disable SCIM" }).click();
  await expect(page.getByTestId("scim-status")).toHaveText("Disabled");
  await page.getByTestId("enable-scim").click();
  await expect(page.getByTestId("scim-status")).not.toHaveText("Disabled");
  await okta.expectRefused();
});

test("members, activation and audit", async ({ page, server, otherBrowser, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  await new Okta(acme.baseUrl, acme.token).create(MIRA);
  const { link: first } = await server.mail(MIRA.email);
  await signInOwner(page, acme);
  await expect(memberRow(page, MIRA.email)).toHaveAttribute("data-state", "activation-sent");
  await page.getByTestId("resend-activation").click();
  await expect(page).toHaveURL(/\/o\/acme\/members\??$/);
  const { link } = await server.mail(MIRA.email, 2);

  const hers = await otherBrowser({ javaScriptEnabled: false });
  guard.allow(404, new URL(first).pathname);
  await hers.goto(first);
  await expect(hers.getByRole("heading", { level: 1 })).toHaveText("This activation link does not work any more");
  await activate(hers, link, PASSWORD);
  await expect(hers).toHaveURL("/o/acme/members");

  await page.reload();
  await expect(memberRow(page, MIRA.email)).toHaveAttribute("data-state", "active");
  await page.getByRole("link", { name: "Audit" }).click();
  await expect(auditRows(page, "activation.completed")).toContainText("Mira Olsen");
  await expect(auditRows(page, "activation.resent")).toContainText("Ines Vidal");
});

test("on a narrow screen the menu unfolds", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await page.setViewportSize({ width: 375, height: 700 });
  await signInOwner(page, acme);
  const audit = page.getByRole("link", { name: "Audit" });
  await expect(audit).toBeHidden();
  await page.getByText("Menu", { exact: true }).click();
  await audit.click();
  await expect(page).toHaveURL("/o/acme/settings/audit");
  await expect(auditRows(page, "sign_in.succeeded")).toHaveCount(1);
});
