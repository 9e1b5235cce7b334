// What every page owes to everybody, in every state worth looking at: WCAG 2.2 AA by axe, one heading, no sideways scrolling,
// in light and dark, on a desk and on a phone.
//
// The pictures are in artifacts/screenshots. They are for people to look at, not compared.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { alive } from "./steps";
import { expect } from "./test";

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Photograph the page that is open, and hold it to what each page owes to everybody. */
export async function look(page: Page, name: string) {
  await alive(page);
  await expect(page).toHaveTitle(/\S · Rollcall$/);
  await expect(page.getByRole("heading", { level: 1, includeHidden: true })).toHaveCount(1);
  await expect(page.getByRole("main", { includeHidden: true })).toHaveCount(1);
  for (const control of await page.locator("button, a[href], input:not([type=hidden]), select, summary").filter({ visible: true }).all()) {
    await expect(control, `${name}: ${await control.evaluate((element) => element.outerHTML)}`).toHaveAccessibleName(/\S/);
  }
  for (const width of [1280, 375]) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      // Softly, so that one run shows all that is wrong, and every picture.
      const scrolls = await page.evaluate(() => document.scrollingElement!.scrollWidth - window.innerWidth);
      expect.soft(scrolls, `${name} at ${width} px scrolls sideways`).toBeLessThanOrEqual(0);
      // Chromium takes a frame or two until the other colours are painted.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      // A dialog is as large as the window, not as the page.
      const fullPage = (await page.getByRole("dialog").count()) === 0;
      await page.screenshot({ path: `${__dirname}/../artifacts/screenshots/${name}-${colorScheme}-${width}.png`, fullPage });
      // Widths change what is where, schemes change colours: one of the four together tells nothing new.
      if (width === 375 && colorScheme === "dark") continue;
      const { violations } = await new AxeBuilder({ page }).withTags(STANDARDS).analyze();
      const found = violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => `${node.html} ${node.any[0]?.message ?? ""}`) }));
      expect.soft(found, `${name}, ${colorScheme}, ${width} px`).toEqual([]);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
}
