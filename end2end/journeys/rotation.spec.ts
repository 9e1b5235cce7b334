// A provisioning token is changed while the identity provider goes on: both work, the console says who uses which, and the owner
// retires the old one when she sees that it is no longer needed.

import type { Page } from "@playwright/test";
import { Okta } from "../support/idp";
import { look } from "../support/look";
import { INES } from "../support/people";
import { alive, auditRows, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

test.describe.configure({ timeout: 240_000 });

const row = (page: Page, secret: string) => page.getByTestId("token-row").filter({ hasText: secret.slice(-4) });

test("a token is rotated without a refused request", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  const okta = new Okta(acme.baseUrl, acme.token);
  await okta.testCredentials();
  await signInOwner(page, acme);
  await page.goto("/o/acme/settings/security");
  await alive(page);

  const secret = await test.step("a second token is issued in the place of the first, which goes on", async () => {
    await row(page, acme.token).getByTestId("rotate").click();
    await expect(page.getByRole("dialog").getByLabel("The old one stops")).toHaveValue("day");
    await look(page, "token-rotate-dialog");
    await page.getByRole("dialog").getByTestId("rotate-yes").click();
    const secret = await page.getByTestId("provisioning-token").innerText();
    expect(secret).toMatch(/^rcs_/);
    await expect(page.getByTestId("switch-over")).toContainText("has not used the new one yet");
    await look(page, "token-rotated");
    await page.getByTestId("token-saved").click();
    await expect(row(page, acme.token)).toHaveAttribute("data-state", "retiring");
    await expect(row(page, secret)).toHaveAttribute("data-state", "live");
    await expect(row(page, acme.token).getByTestId("rotate")).toHaveCount(0);
    return secret;
  });

  const next = new Okta(acme.baseUrl, secret);
  await test.step("both work, and the console says who uses which", async () => {
    await okta.testCredentials();
    await next.testCredentials();
    await next.testCredentials();
    // The activity log is written after the answers.
    await expect(async () => {
      await page.reload();
      await expect(page.getByTestId("switch-over")).toContainText(/has used the new one \d+ times \(rcs_….{4}\)\. The old one \(rcs_….{4}\) was last used (just now|1 min ago) and stops in (24 h|1 day)\./, { timeout: 1_000 });
    }).toPass();
    await look(page, "token-switch-over");
  });

  await test.step("it is tied to a network, and untied", async () => {
    await alive(page);
    for (const [networks, refused] of [["203.0.113.0/24", true], ["", false]] as const) {
      await row(page, secret).getByTestId("restrict-token").click();
      await page.getByRole("dialog").getByLabel("Allowed networks").fill(networks);
      if (refused) await look(page, "token-networks-dialog");
      await page.getByRole("dialog").getByTestId("restrict-token-yes").click();
      await expect(row(page, secret).getByTestId("token-networks")).toHaveText(refused ? [`only from ${networks}`] : []);
      if (refused) {
        await look(page, "token-networks");
        await next.expectRefused();
      } else {
        await next.testCredentials();
      }
    }
  });

  await test.step("the old one is retired now", async () => {
    await page.getByTestId("retire-token").click();
    await expect(page.getByRole("dialog")).toContainText("Retire the old “Bootstrap”?");
    await page.getByRole("dialog").getByTestId("retire-token-yes").click();
    await expect(row(page, acme.token)).toHaveAttribute("data-state", "revoked");
    await expect(page.getByTestId("switch-over")).toHaveCount(0);
    await okta.expectRefused();
    await next.testCredentials();
  });

  await test.step("the audit log tells it", async () => {
    await page.goto("/o/acme/settings/audit");
    await expect(auditRows(page, "token.rotated")).toContainText(acme.token.slice(-4));
    await expect(auditRows(page, "token.restricted")).toHaveCount(2);
    await expect(auditRows(page, "token.revoked")).toHaveCount(1);
  });
});
