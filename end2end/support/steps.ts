// What several journeys do on the way.

import { type Locator, type Page, expect } from "@playwright/test";
import { type Person, Okta } from "./idp";
import { PASSWORD } from "./people";
import type { Org, Server } from "./server";

/** Until WebAssembly has come to life, forms are plain and some buttons are not there. */
export async function alive(page: Page) {
  await expect(page.locator("body[data-hydrated]")).toBeAttached();
}

export async function setUp(page: Page, link: string, owner: { org: string; name: string; email: string; password: string }) {
  await page.goto(link);
  await page.getByLabel("Name of the organisation").fill(owner.org);
  await page.getByLabel("Your name").fill(owner.name);
  await page.getByLabel("Your e-mail address").fill(owner.email);
  await page.getByLabel("Password", { exact: true }).fill(owner.password);
  await page.getByRole("button", { name: "Create the organisation" }).click();
}

/** Fill in and send the sign-in form of the page that is open. */
export async function enter(page: Page, email: string, password: string) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Sign the organisation's owner in. */
export async function signInOwner(page: Page, org: Org) {
  await page.goto("/sign-in");
  await enter(page, org.owner.email, org.owner.password);
  await expect(page).toHaveURL(`/o/${org.slug}/members`);
}

/** Follow a mailed link and choose a password, or prove the one the account has. */
export async function activate(page: Page, link: string, password: string) {
  await page.goto(link);
  await page.getByLabel(/^(New|Your existing) password$/).fill(password);
  await page.getByRole("button", { name: "Join" }).click();
  await expect(page).toHaveURL(/\/o\/[a-z0-9-]+\/members$/);
}

/** Have the organisation's directory create somebody, who joins in this page's browser. */
export async function join(page: Page, server: Server, org: Org, person: Person) {
  await new Okta(org.baseUrl, org.token).create(person);
  await activate(page, (await server.mail(person.email)).link, PASSWORD);
}

/** The row of a person on the members page. */
export function memberRow(page: Page, email: string): Locator {
  return page.getByTestId("member-row").filter({ hasText: email });
}

/** Load the members page, with those who have left, until the person is in this state. */
export async function expectMember(page: Page, email: string, state: string) {
  const { pathname } = new URL(page.url());
  await expect(async () => {
    await page.goto(`${pathname}?status=any`);
    await expect(memberRow(page, email)).toHaveAttribute("data-state", state, { timeout: 1_000 });
  }).toPass();
}

/** The rows of the audit page with this action, newest first. */
export function auditRows(page: Page, action: string): Locator {
  return page.locator(`[data-testid="audit-row"][data-action="${action}"]`);
}
