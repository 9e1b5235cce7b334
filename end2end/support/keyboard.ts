// Going through a page without a pointer.

import type { Page } from "@playwright/test";
import { expect } from "./test";

/** Press Tab until the control of this name has the focus, and see that each stop on the way shows it. */
export async function tabTo(page: Page, name: string, key: "Tab" | "Shift+Tab" = "Tab") {
  const wanted = page
    .locator(":focus")
    .and(page.getByRole("button", { name, exact: true }).or(page.getByRole("link", { name, exact: true })).or(page.getByLabel(name, { exact: true })));
  for (let press = 0; press < 30; press++) {
    await page.keyboard.press(key);
    if (await page.locator(":focus").count()) await expectVisibleFocus(page);
    if (await wanted.count()) return;
  }
  throw new Error(`30 stops, and none is ${name}`);
}

/** The focus can be seen where it is. */
export async function expectVisibleFocus(page: Page) {
  const { element, visible } = await page.locator(":focus").evaluate((element) => {
    // The ring of a text with its button is around both.
    const { boxShadow, outlineStyle, outlineColor } = getComputedStyle(element.closest(".copy") ?? element);
    const outlined = outlineStyle !== "none" && !/^rgba\(.*, 0\)$/.test(outlineColor);
    return { element: element.outerHTML.slice(0, 200), visible: boxShadow !== "none" || outlined };
  });
  expect(visible, `the focus can be seen on ${element}`).toBe(true);
}
