// The whole set-up without a pointer.

import type { Page } from "@playwright/test";
import { expectVisibleFocus, tabTo } from "../support/keyboard";
import { INES } from "../support/people";
import { alive, enter, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

test("from the set-up link to a saved token, and out", async ({ page, server }) => {
  await page.goto(server.setUpLink);
  await alive(page);
  for (const [label, text] of [
    ["Name of the organisation", "Acme"],
    ["Your name", INES.name],
    ["Your e-mail address", INES.email],
    ["Password", INES.password],
  ]) {
    await tabTo(page, label);
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/o/acme/settings/security");
  await alive(page);

  await test.step("the first stop skips the navigation", async () => {
    await page.keyboard.press("Tab");
    await expect(page.locator(":focus")).toHaveText("Skip to the content");
    await expectVisibleFocus(page);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("main")).toBeFocused();
  });

  await tabTo(page, "Enable SCIM");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("scim-status")).toHaveText("Waiting");
  await test.step("what was pressed is gone, so the focus goes to what has changed", async () => {
    await expect(page.getByRole("heading", { name: "SCIM provisioning" })).toBeFocused();
  });

  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await tabTo(page, "Copy the base URL");
  await page.keyboard.press("Enter");
  await expect.poll(() => clipboard(page)).toMatch(/\/scim\/[0-9a-f-]{36}\/v2$/);

  await tabTo(page, "Name");
  await page.keyboard.type("Okta production");
  await tabTo(page, "Lifetime");
  await page.keyboard.press("ArrowDown");
  await tabTo(page, "Issue token");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("provisioning-token")).toBeVisible();
  await test.step("the new token takes the focus", async () => {
    await expect(page.getByRole("region", { name: /Your new token/ })).toBeFocused();
  });
  const token = await page.getByTestId("provisioning-token").innerText();
  await tabTo(page, "Copy the token");
  await page.keyboard.press("Enter");
  await expect.poll(() => clipboard(page)).toBe(token);
  await tabTo(page, "I have saved it");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("provisioning-token")).toHaveCount(0);
  // The focus is not lost with the button that had it.
  await expect(page.locator("body")).not.toBeFocused();

  await tabTo(page, "Sign out", "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/sign-in");
});

test("a dialog keeps the focus until it is answered or left by Esc", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/security");
  await alive(page);
  await tabTo(page, "Revoke");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: /^Revoke “/ });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();

  for (let press = 0; press < 6; press++) {
    await page.keyboard.press("Tab");
    // Between the last and the first stop, the focus is on the browser's own controls.
    expect(await page.evaluate(() => document.activeElement === document.body || Boolean(document.activeElement?.closest("dialog")))).toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Revoke", exact: true })).toBeFocused();
  await expect(page.getByTestId("token-row")).toHaveAttribute("data-state", "live");

  await page.keyboard.press("Enter");
  await tabTo(page, "Revoke token");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("token-row")).toHaveAttribute("data-state", "revoked");
  await expect(page.locator("body")).not.toBeFocused();
});

test("a refused form takes the focus to what is wrong", async ({ page, server, guard }) => {
  guard.allow(401, "/api/sign_in");
  await server.bootstrap("Acme", INES);
  await page.goto("/sign-in");
  await alive(page);
  await tabTo(page, "E-mail address");
  await page.keyboard.type(INES.email);
  await tabTo(page, "Password");
  await page.keyboard.type("not the password at all");
  await tabTo(page, "Show the password");
  await page.keyboard.press("Space");
  await expect(page.getByLabel("Password", { exact: true })).toHaveAttribute("type", "text");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert").filter({ hasText: "do not match" })).toBeFocused();
  await enter(page, INES.email, INES.password);
  await expect(page).toHaveURL("/o/acme/members");
});

function clipboard(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}
