/** Waiting for what a view shows once it has asked the server again. */
import type { Locator } from "playwright-core";
import { expect } from "vitest";
import { ACTION_MS_MAX } from "./browser.ts";

/** Between two looks. */
const LOOK_MS = 100;

/**
 * Until it is seen, or is gone, in a view that somebody comes back to again and again: one that stays in sight asks the
 * server every five seconds only, which is the matter of budgets.test.ts.
 */
export async function lookUntil(wanted: Locator, state: "seen" | "gone" = "seen"): Promise<void> {
  const look = async (): Promise<boolean> => {
    await wanted.page().evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    return wanted.first().isVisible();
  };
  const options = { timeout: ACTION_MS_MAX, interval: LOOK_MS, message: `${String(wanted)} is ${state}` };
  await expect.poll(look, options).toBe(state === "seen");
}
