// Coming in, going out, and what a role does not reach.

import { Entra } from "../support/idp";
import { INES, MIRA, OTTO, PASSWORD } from "../support/people";
import { activate, alive, auditRows, enter, join, setUp, signInOwner } from "../support/steps";
import { expect, test } from "../support/test";

test("a wrong password and an unknown address are told the same", async ({ page, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  guard.allow(401, "/api/sign_in");
  await page.goto("/sign-in");
  await alive(page);
  const told: string[] = [];
  for (const email of [INES.email, "nobody@acme.test"]) {
    const answered = page.waitForResponse("/api/sign_in");
    await enter(page, email, "not the password at all");
    expect((await answered).status()).toBe(401);
    await expect(page.getByTestId("form-error")).toBeVisible();
    await expect(page.getByLabel("E-mail address")).toHaveValue(email);
    told.push(await page.getByRole("alert").innerText());
  }
  expect(told[0]).toContain("do not match");
  expect(told[1]).toBe(told[0]);
  await expect(page.getByRole("alert")).toBeFocused();

  await enter(page, INES.email, INES.password);
  await expect(page).toHaveURL("/o/acme/members");
  await page.goto(`/o/${acme.slug}/settings/audit`);
  await expect(auditRows(page, "sign_in.failed")).toHaveCount(1);
  await expect(auditRows(page, "sign_in.failed")).toContainText("wrong password");
});

test("guesses are throttled, whoever exists", async ({ page, server, guard }) => {
  await server.bootstrap("Acme", INES);
  const guess = (email: string) =>
    page.request.post("/api/sign_in", { form: { email, password: "not the password at all" }, headers: { Origin: server.url } });
  for (const email of [INES.email, "nobody@acme.test"]) {
    for (let attempt = 0; attempt < 10; attempt++) expect((await guess(email)).status()).toBe(401);
    expect((await guess(email)).status(), email).toBe(429);
  }
  // The right password does not help any more, and the page says why.
  guard.allow(429, "/api/sign_in");
  await page.goto("/sign-in");
  await alive(page);
  await enter(page, INES.email, INES.password);
  await expect(page.getByTestId("form-error")).toContainText("Too many attempts");
});

test("signing out leads to the sign-in page, and the session stays dead", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  const cookies = await page.context().cookies();
  expect(cookies).toMatchObject([{ name: "rollcall", httpOnly: true, sameSite: "Lax", path: "/" }]);

  await page.getByTestId("sign-out").click();
  await expect(page).toHaveURL("/sign-in");
  await page.context().clearCookies();
  await page.context().addCookies(cookies);
  await page.goto("/o/acme/members");
  await expect(page).toHaveURL("/sign-in?next=%2Fo%2Facme%2Fmembers");
});

test("signing in leads back to the page that was asked for, and nowhere else", async ({ page, server }) => {
  await server.bootstrap("Acme", INES);
  await page.goto("/o/acme/settings/audit?before=0190a1b2-0000-7000-8000-000000000000");
  await expect(page).toHaveURL("/sign-in?next=%2Fo%2Facme%2Fsettings%2Faudit%3Fbefore%3D0190a1b2-0000-7000-8000-000000000000");
  await enter(page, INES.email, INES.password);
  await expect(page).toHaveURL("/o/acme/settings/audit?before=0190a1b2-0000-7000-8000-000000000000");

  for (const elsewhere of ["https://evil.test/o/acme/members", "//evil.test/o/acme", "javascript:alert(1)", "/o/acme/../../evil", "/o/acme/\nLocation: https://evil.test"]) {
    await page.getByTestId("sign-out").click();
    await page.goto(`/sign-in?next=${encodeURIComponent(elsewhere)}`);
    await enter(page, INES.email, INES.password);
    await expect(page, elsewhere).toHaveURL("/o/acme/members");
  }
});

test("a plain member reaches no settings, and not what groups give", async ({ page, server, guard }) => {
  const acme = await server.bootstrap("Acme", INES);
  await join(page, server, acme, MIRA);
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link")).toHaveText(["Members", "Teams", "Agents"]);
  await expect(page.getByTestId("resend-activation")).toHaveCount(0);

  for (const path of ["/o/acme/settings/security", "/o/acme/settings/audit", "/o/acme/settings/integrations", "/o/acme/groups"]) {
    guard.allow(403, path);
    const response = await page.goto(path);
    expect(response?.status(), path).toBe(403);
    await expect(page.getByRole("heading", { level: 1 }), path).toHaveText("Your role does not reach this page");
    await expect(page.getByRole("main"), path).not.toContainText(acme.token.slice(-4));
  }

  // The pages are not what keeps her out: the calls behind them refuse her, too.
  const token = "0190a1b2-0000-7000-8000-000000000000";
  const calls: [name: string, form: Record<string, string>][] = [
    ["security", {}],
    ["enable_scim", {}],
    ["disable_scim", {}],
    ["issue_token", { name: "mine", lifetime: "1y" }],
    ["rotate_token", { token, retire: "day" }],
    ["reissue_token", { token }],
    ["restrict_token", { token, allowed_from: "" }],
    ["revoke_token", { token }],
    ["audit", {}],
    ["integrations", {}],
    ["groups", {}],
    ["resend_activation", { member: token }],
  ];
  for (const [name, form] of calls) {
    const post = (origin: string) => page.request.post(`/api/${name}`, { form: { org: acme.slug, ...form }, headers: { Origin: origin } });
    const refused = await post(server.url);
    expect(refused.status(), name).toBe(403);
    expect(await refused.text(), name).toContain("Denied");
    // With an owner's cookie it would be the other site's doing that fails; the answer does not even look at the role.
    const foreign = await post("https://evil.test");
    expect(foreign.status(), name).toBe(403);
    expect(await foreign.text(), name).toContain("did not come from");
  }
  // The member's own page is hers to load by the same way: the refusals above are about the role.
  const members = await page.request.post("/api/members", { form: { org: acme.slug, page: 1 }, headers: { Origin: server.url } });
  expect(members.status()).toBe(200);
});

test("a form of another site is refused even with an owner's cookie", async ({ page, server }) => {
  const acme = await server.bootstrap("Acme", INES);
  await signInOwner(page, acme);
  const foreign: Record<string, string>[] = [{ Origin: "https://evil.test" }, { Origin: "null" }, { "Sec-Fetch-Site": "cross-site" }, {}];
  for (const headers of foreign) {
    const response = await page.request.post("/api/disable_scim", { form: { org: acme.slug }, headers });
    expect(response.status(), JSON.stringify(headers)).toBe(403);
  }
  await page.goto("/o/acme/settings/security");
  await expect(page.getByTestId("scim-status")).toHaveText("Waiting");
});

test("a session is for one organisation; another is a choice away", async ({ page, server, guard, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  const globex = await server.bootstrap("Globex", OTTO);
  await join(page, server, acme, MIRA);
  await new Entra(globex.baseUrl, globex.token).create({ ...MIRA, externalId: "mira.olsen" });

  await test.step("the mailed link asks for the password that she has, and works once", async () => {
    const { link } = await server.mail(MIRA.email, 2);
    guard.allow(422, "/api/activate");
    await page.goto(link);
    await alive(page);
    await page.getByLabel("Your existing password").fill("not the password at all");
    await page.getByRole("button", { name: "Join" }).click();
    await expect(page.getByTestId("password-error")).toContainText("not the password of your account");
    await activate(page, link, PASSWORD);
    await expect(page).toHaveURL("/o/globex/members");
  });

  await test.step("the page of another organisation offers to switch", async () => {
    guard.allow(409, "/o/acme/members");
    const response = await page.goto("/o/acme/members");
    expect(response?.status()).toBe(409);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("This browser is signed in to Globex");
    await page.getByRole("link", { name: "Back to Globex" }).click();
    await expect(page.getByTestId("member-row")).toHaveCount(2);
    await page.goto("/o/acme/members");
    await expect(page.getByTestId("switch-organisation")).toHaveText("Switch to Acme");
    await page.getByTestId("switch-organisation").click();
    await expect(page).toHaveURL("/o/acme/members");
    await expect(page.getByTestId("member-row")).toHaveCount(2);
  });

  await test.step("who may enter several chooses when signing in", async () => {
    const other = await otherBrowser();
    await other.goto("/sign-in");
    await enter(other, MIRA.email, PASSWORD);
    await expect(other).toHaveURL("/organisations");
    await expect(other.getByRole("listitem")).toHaveText([/Acme/, /Globex/]);
    await other.getByRole("button", { name: /Globex/ }).click();
    await expect(other).toHaveURL("/o/globex/members");
    await other.getByRole("link", { name: /Change organisation/ }).click();
    await expect(other).toHaveURL("/organisations");
    await other.getByRole("link", { name: /Globex/ }).click();
    await expect(other).toHaveURL("/o/globex/members");
  });

  await test.step("an organisation that she is not in looks like one that is not there", async () => {
    await server.bootstrap("Initech", { email: "bill@initech.test", password: PASSWORD });
    const pages: string[] = [];
    for (const path of ["/o/initech/members", "/o/nothing-here/members"]) {
      guard.allow(409, path);
      const response = await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("You have no access to this organisation");
      pages.push(`${response?.status()} ${(await page.getByRole("main").innerText()).replaceAll(/initech|nothing-here/gi, "…")}`);
    }
    expect(pages[1]).toBe(pages[0]);
  });
});

test("links that are used or made up lead to a page that says so", async ({ page, server, guard, otherBrowser }) => {
  const first = await otherBrowser();
  await setUp(first, server.setUpLink, { org: "Acme", ...INES });
  await expect(first).toHaveURL("/o/acme/settings/security");
  const madeUp = "A".repeat(43);
  for (const link of [server.setUpLink, `/set-up/${madeUp}`, "/set-up/short"]) {
    await page.goto(link);
    await expect(page.getByRole("heading", { level: 1 }), link).toHaveText("This set-up link does not work any more");
  }
  await page.getByRole("link", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/sign-in");

  const globex = await server.bootstrap("Globex", OTTO);
  await join(first, server, globex, MIRA);
  const { link: used } = await server.mail(MIRA.email);
  for (const link of [new URL(used).pathname, `/activate/${madeUp}`, "/activate/short"]) {
    guard.allow(404, link);
    await page.goto(link);
    await expect(page.getByRole("heading", { level: 1 }), link).toHaveText("This activation link does not work any more");
    await expect(page.getByTestId("activate-form")).toHaveCount(0);
  }
});

test("a mail that is sent again stops the link in the one before", async ({ page, server, otherBrowser }) => {
  const acme = await server.bootstrap("Acme", INES);
  await new Entra(acme.baseUrl, acme.token).create(MIRA);
  const { link: first } = await server.mail(MIRA.email);
  await signInOwner(page, acme);
  await alive(page);
  await page.getByTestId("resend-activation").click();
  await expect(page.getByRole("status").filter({ hasText: "Another activation mail goes out" })).toBeVisible();
  const { link: second } = await server.mail(MIRA.email, 2);
  expect(second).not.toBe(first);

  const hers = await otherBrowser();
  await hers.goto("/sign-in");
  expect(await (await hers.request.get(first)).text()).toContain("does not work any more");
  await activate(hers, second, PASSWORD);
});

test("a password that is too short or common is refused at its field", async ({ page, server, guard }) => {
  guard.allow(422, "/api/found");
  await setUp(page, server.setUpLink, { org: "Acme", ...INES, password: "elevenchars" });
  // The browser itself holds it back; what counts is what the server says.
  await expect(page).toHaveURL(server.setUpLink);
  await alive(page);
  const password = page.getByLabel("Password", { exact: true });
  await page.locator("form").evaluate((form: HTMLFormElement) => (form.noValidate = true));
  for (const [tried, why] of [
    ["elevenchars", "at least 12 characters"],
    ["passwordpassword", /common|known|guess/],
  ] as const) {
    await password.fill(tried);
    await page.getByRole("button", { name: "Create the organisation" }).click();
    await expect(page.getByTestId("password-error")).toContainText(why);
    await expect(password).toHaveAttribute("aria-invalid", "true");
    await expect(password).toHaveAccessibleDescription(why instanceof RegExp ? why : new RegExp(why));
    await expect(password).toBeFocused();
    await expect(page.getByLabel("Name of the organisation")).toHaveValue("Acme");
  }
  await password.fill(INES.password);
  await page.getByRole("button", { name: "Create the organisation" }).click();
  await expect(page).toHaveURL("/o/acme/settings/security");
});
