// The guard that every other test relies on does see what must not happen.

import { handedOut, mailed, secretsIn } from "../support/secrets";
import { Guard, expect, test } from "../support/test";

const mishaps = {
  "an error in the console": "console.error('oh')",
  "an error in a page": "setTimeout(() => { throw new Error('oh') })",
  "a script that the policy forbids": "document.body.insertAdjacentHTML('beforeend', '<p onclick=\"void 0\">oh</p>')",
  "a style that the policy forbids": "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">oh</p>')",
  "a request to another host": "void fetch('https://elsewhere.test/').catch(() => {})",
  "a refused request": "void fetch('/api/members', { method: 'POST' })",
};

for (const [name, script] of Object.entries(mishaps)) {
  test(`${name} is noticed`, async ({ browser, server }) => {
    const context = await browser.newContext();
    const guard = new Guard(server.url);
    guard.watch(context);
    const page = await context.newPage();
    await page.goto("/sign-in");
    expect(() => guard.verify()).not.toThrow();
    await page.evaluate(script);
    await expect.poll(() => guard.problems).not.toEqual([]);
    expect(() => guard.verify()).toThrow("errors in the browser");
    await context.close();
  });
}

test("a secret is noticed in whatever form it stands somewhere", () => {
  const token = `rcs_${"0".repeat(32)}_${"x".repeat(43)}01234567`;
  expect(secretsIn(Buffer.from(`{"path":"/Users","authorization":"Bearer ${token}"}`))).toEqual(["something of the form rcs_00…"]);
  expect(secretsIn(Buffer.from("rcs_ is how they begin, and rcs_0000…xyz is how one is told of"))).toEqual([]);
  handedOut("four words that nobody says", "a password");
  mailed(`Follow this link:\nhttp://127.0.0.1/activate/${"y".repeat(43)}\n`);
  expect(secretsIn(Buffer.from("password=four words that nobody says"))).toEqual(["a password"]);
  expect(secretsIn(Buffer.from("\\x" + Buffer.from("y".repeat(43)).toString("hex")))).toEqual(["a link that was mailed"]);
});
