// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/** Each view of the web console in both colour schemes, wide and narrow. */
import { CreateAliasCommand } from "@aws-sdk/client-lambda";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { accessibilityProblems, ACTION_MS_MAX, asked, Browser, cutElements, goWithin } from "./browser.ts";
import { CODE, VIEWS } from "./shown.ts";
import { createStack } from "./stack.ts";

const POLLED = { timeout: ACTION_MS_MAX };
const SCHEMES = ["light", "dark"] as const;
let server: ThawServer;
let browser: Browser;
let name: string;

beforeAll(async () => {
  server = await startThaw();
  const functions = new TestFunctions(server);
  name = await functions.createSnapStart(CODE, {
    Description: "Answers with what it got",
    Environment: { Variables: { PASSWORD: "hunter2" } },
  });
  await functions.publish(name);
  await functions.lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion: "1" }));
  await functions.invoke(name, {}, "1");
  await createStack(server);
  // Axe's own means are what the page's policy forbids; that is another test's.
  browser = await Browser.start({ ports: [Number(new URL(server.endpoint).port)], bypassCSP: true });
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.remove();
});

/** One page for both: a view is loaded once, and none waits for frames behind another. */
async function problemsInBothSchemes(page: Page): Promise<readonly string[]> {
  const found: string[] = [];
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await accessibilityProblems(page)).map((problem) => `${colorScheme}: ${problem}`));
  }
  return found;
}

describe("the views", () => {
  it("have nothing that axe finds, scroll not sideways, and are not cut at 320 px and at 200 %", async () => {
    const page = await browser.login(server);
    const { invocations } = await asked<{ invocations: { requestId: string }[] }>(page, "invocations?cold=1");
    const requestId = invocations[0]?.requestId ?? "";
    expect(requestId).not.toBe("");
    for (const view of VIEWS) {
      await page.setViewportSize({ width: 1280, height: 900 });
      await goWithin(page, `/_thaw/console/${view.replace("NAME", name).replace("REQUEST", requestId)}`);
      await expect.poll(() => page.getByText("Loading…").count(), POLLED).toBe(0);
      expect(await problemsInBothSchemes(page), view).toEqual([]);
      // 1280 px at 200 % are 640.
      for (const width of [640, 320]) {
        await page.setViewportSize({ width, height: 450 });
        for (const colorScheme of SCHEMES) {
          await page.emulateMedia({ colorScheme });
          const what = `${view} at ${width} px, ${colorScheme}`;
          expect(await page.evaluate(() => document.documentElement.scrollWidth), what).toBeLessThanOrEqual(width);
          expect(await cutElements(page), what).toEqual([]);
        }
      }
    }
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { level: 1, name: "Log in" }).waitFor();
    expect(await problemsInBothSchemes(page)).toEqual([]);
    expect(browser.problems).toEqual([]);
  });
});
