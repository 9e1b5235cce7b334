// One's own account: a password that is changed or forgotten, and a second factor, which an organisation may ask for.

import type { Page } from "@playwright/test";
import { shows, showsNext } from "../support/authenticator";
import { look } from "../support/look";
import { INES, MIRA, PASSWORD } from "../support/people";
import { shownOnce } from "../support/secrets";
import { alive, auditRows, enter, join, signInOwner } from "../support/steps";
import { expect, rememberSessions, test } from "../support/test";

// Most of the time goes into axe.
test.describe.configure({ timeout: 240_000 });

const NEW = "an orange boat on a quiet hill";

/** Scan the QR code by its secret, show the first code, and save what comes; the secret and the recovery codes. */
async function takeOffer(page: Page): Promise<{ secret: string; recovery: string[] }> {
  const secret = (await page.getByTestId("second-factor-secret").textContent())!;
  await page.getByLabel("The code that it shows").fill(shows(secret));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByTestId("recovery-code")).toHaveCount(10);
  const recovery = await page.getByTestId("recovery-code").allTextContents();
  shownOnce(secret, recovery);
  return { secret, recovery };
}

test("a forgotten password is set anew by a mailed link", async ({ page, server, guard }) => {
  const org = await server.bootstrap("Acme", INES);
  await page.goto("/sign-in");
  await alive(page);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Forgot your password?");
  await look(page, "forgot-password");
  await page.getByLabel("E-mail address").fill(INES.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByTestId("reset-sent")).toBeVisible();
  await look(page, "forgot-password-sent");

  const { link, subject } = await server.mail(INES.email);
  expect(subject).toBe("Set a new password");
  await page.goto(link);
  await look(page, "reset-password");
  guard.allow(422, "/api/reset_password");
  await page.getByLabel("New password").fill("password1234");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByTestId("password-error")).toContainText("among the first that an attacker would try");
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByTestId("sign-in-note")).toContainText("Your password is set");
  await look(page, "sign-in-after-reset");
  await enter(page, INES.email, NEW);
  await expect(page).toHaveURL(`/o/${org.slug}/members`);

  guard.allow(404, "/api/reset_link");
  guard.allow(404, new URL(link).pathname);
  await page.goto(link);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This link does not work any more");
  await look(page, "reset-link-gone");
  expect(server.log).not.toContain(new URL(link).pathname.split("/")[2]);
});

test("a password is changed, and another browser is signed out", async ({ page, server, otherBrowser }) => {
  const org = await server.bootstrap("Acme", INES);
  await signInOwner(page, org);
  const other = await otherBrowser({ baseURL: server.url });
  await signInOwner(other, org);
  await page.getByRole("link", { name: "Account", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Account");
  await look(page, "account");
  await page.getByLabel("Current password").fill(INES.password);
  await page.getByLabel("New password").fill(NEW);
  await page.getByTestId("change-password").click();
  await expect(page.getByTestId("password-changed")).toBeVisible();
  await look(page, "account-password-changed");
  await page.reload();
  await expect(page).toHaveURL("/o/acme/account");
  await other.reload();
  await expect(other).toHaveURL(/\/sign-in\?next=/);
});

test("a second factor is set up, used, recovered from, and asked of everybody", async ({ page, server, otherBrowser, guard }) => {
  const org = await server.bootstrap("Acme", INES);
  const mira = await otherBrowser({ baseURL: server.url });
  await join(mira, server, org, MIRA);
  await signInOwner(page, org);

  const { secret, recovery } = await test.step("she sets it up", async () => {
    await page.goto("/o/acme/account");
    await alive(page);
    await page.getByTestId("second-factor-ask").click();
    await expect(page.getByTestId("second-factor-offer")).toBeVisible();
    await look(page, "second-factor-offer");
    const taken = await takeOffer(page);
    await look(page, "second-factor-recovery-codes");
    await page.getByTestId("recovery-saved").click();
    await expect(page.getByTestId("second-factor-state")).toHaveText("On");
    await expect(page.getByTestId("recovery-codes-left")).toHaveText("10");
    await look(page, "account-second-factor");
    return taken;
  });

  await test.step("signing in asks for a code", async () => {
    await page.getByTestId("sign-out").click();
    await enter(page, INES.email, INES.password);
    await expect(page).toHaveURL("/sign-in/code");
    await rememberSessions(page.context());
    await look(page, "sign-in-code");
    guard.allow(422, "/api/sign_in_code");
    await page.getByLabel("Code", { exact: true }).fill("000000");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByTestId("code-error")).toContainText("This code is not right");
    await look(page, "sign-in-code-wrong");
    await page.getByLabel("Code", { exact: true }).fill(showsNext(secret));
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL("/o/acme/members");
  });

  await test.step("a recovery code takes its place once", async () => {
    await page.getByTestId("sign-out").click();
    await enter(page, INES.email, INES.password);
    await page.getByLabel("Code", { exact: true }).fill(recovery[0]);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL("/o/acme/members");
  });

  await test.step("she asks it of everybody", async () => {
    await page.goto("/o/acme/settings/security");
    await alive(page);
    await expect(page.getByTestId("second-factor-policy")).toHaveText("Not asked for");
    await page.getByTestId("require-second-factor").click();
    await look(page, "second-factor-policy-dialog");
    await page.getByRole("dialog").getByTestId("require-second-factor-yes").click();
    await expect(page.getByTestId("second-factor-policy")).toHaveText("Asked for");
    await look(page, "second-factor-policy");
    await page.goto("/o/acme/settings/audit");
    await expect(auditRows(page, "security.second_factor_changed")).toHaveCount(1);
  });

  await test.step("a member who has none is led to set it up", async () => {
    await mira.reload();
    await expect(mira).toHaveURL(/\/sign-in\?next=.*why=second-factor/);
    await alive(mira);
    await look(mira, "sign-in-second-factor-missing");
    await enter(mira, MIRA.email, PASSWORD);
    await expect(mira).toHaveURL("/sign-in/second-factor");
    await look(mira, "sign-in-set-up");
    await mira.getByTestId("second-factor-begin").click();
    await look(mira, "sign-in-set-up-offer");
    await takeOffer(mira);
    await look(mira, "sign-in-set-up-recovery");
    await mira.getByTestId("recovery-saved").click();
    await expect(mira).toHaveURL("/o/acme/members");
  });
});
