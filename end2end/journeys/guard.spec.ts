// The guard that every other test relies on does see what must not happen.

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
