// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/** What single views of the web console show and do: keys, a function's header, invokes anew. */
import {
  CreateAliasCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
} from "@aws-sdk/client-lambda";
import { inMilliseconds } from "@thaw/thaw-api/waterfall";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { accessibilityProblems, asked, Browser } from "./browser.ts";
import { lookUntil } from "./look.ts";

const CHECK_MS_MAX = 120_000;
const CODE = { "index.mjs": 'export const handler = async (event) => console.log("plain " + event.mark) ?? event;\n' };

let server: ThawServer;
let functions: TestFunctions;
let browser: Browser;
let name: string;

beforeAll(async () => {
  server = await startThaw();
  functions = new TestFunctions(server);
  name = await functions.create(CODE);
  // Axe's own means are what the page's policy forbids; that is another test's.
  browser = await Browser.start({ ports: [Number(new URL(server.endpoint).port)], bypassCSP: true });
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.remove();
});
afterEach(async () => {
  for (const page of browser.context.pages()) await page.close();
  expect(browser.problems.splice(0)).toEqual([]);
});

const heading = (page: Page, title: string) => page.getByRole("heading", { level: 1, name: title });

describe("keys", () => {
  it("lead to the views, and are listed under ?", async () => {
    const page = await browser.login(server);
    await heading(page, "Overview").waitFor();
    for (const [letter, title] of [
      ["l", "Logs"],
      ["e", "Environments"],
      ["d", "Deployments"],
      ["s", "Snapshots"],
      ["h", "Host"],
      ["f", "Overview"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(letter);
      await heading(page, title).waitFor();
    }
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keys" });
    await help.getByText("To Functions (Overview)").waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await accessibilityProblems(page)).toEqual([]);
    }
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Keys" }).click();
    await help.getByRole("checkbox").uncheck();
    await help.getByRole("button", { name: "Close" }).click();
    await help.waitFor({ state: "detached" });
    await page.reload();
    await heading(page, "Overview").waitFor();
    // What is turned off stays so; a key that worked would be handled before the click is.
    await page.keyboard.press("?");
    await page.getByRole("button", { name: "Keys" }).click();
    await help.getByRole("checkbox").check();
    await help.getByRole("button", { name: "Close" }).click();
    await help.waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await help.waitFor();
  });

  it("are text where text is written, and the browser's own with Control", async () => {
    const page = await browser.login(server, "admin", `f/${name}/test`);
    const field = page.getByLabel("Event (JSON)");
    await field.fill("");
    await field.pressSequentially("gl?/");
    expect(await field.inputValue()).toBe("gl?/");
    await page.getByLabel("Times").press("g");
    await page.getByLabel("Times").press("l");
    await heading(page, name).focus();
    await page.keyboard.press("g");
    await page.keyboard.press("Control+l");
    await page.keyboard.press("l");
    expect(await page.getByRole("dialog").count()).toBe(0);
    expect(new URL(page.url()).pathname).toBe(`/_thaw/console/f/${name}/test`);
    await page.keyboard.press("g");
    await page.keyboard.press("l");
    await heading(page, "Logs").waitFor();
  });
});

describe("all snapshots", () => {
  it("are verified by one button, which says what it found", async () => {
    const page = await browser.login(server, "read", "snapshots");
    const own = await functions.createSnapStart({ "index.mjs": "export const handler = async () => 1;\n" });
    await functions.publish(own);
    await lookUntil(page.getByRole("link", { name: `${own}:1` }));
    await page.getByRole("button", { name: "Verify all snapshots" }).click();
    await page.getByText(/^\d+ snapshots? verified: all whole\.$/).waitFor();
  });
});

describe("a check", () => {
  it("invokes its clones with the event that was written, once that is JSON", async () => {
    const own = await functions.createSnapStart({
      "index.mjs": "export const handler = async (event) => { console.log('got ' + event.word); return event; };\n",
    });
    await functions.publish(own);
    const page = await browser.login(server, "admin", `f/${own}/check`);
    await page.getByLabel("Event (JSON)").fill('{"word": ');
    expect(await page.getByRole("button", { name: "Run check" }).isDisabled()).toBe(true);
    await page.getByLabel("Event (JSON)").fill('{"word": "checked"}');
    await page.getByRole("button", { name: "Run check" }).click();
    await page.getByRole("region", { name: `Check of ${own}:1` }).waitFor({ timeout: CHECK_MS_MAX });
    await page.getByRole("link", { name: "Logs" }).last().click();
    await page.getByRole("log").getByText("got checked").first().waitFor();
  });
});

describe("the page of a function", () => {
  it("says above its tabs where its aliases lead, and how much of it may run", async () => {
    const led = await functions.create({ "index.mjs": "export const handler = async () => 1;\n" });
    const page = await browser.login(server, "read", `f/${led}`);
    const fact = (term: string) => page.locator(".head-facts > div", { hasText: term });
    await fact("Aliases").getByText("none", { exact: true }).waitFor();
    await fact("Reserved concurrency").getByText("none, it shares the account's").waitFor();
    await functions.publish(led);
    await functions.update(led, { "index.mjs": "export const handler = async () => 2;\n" });
    await functions.publish(led);
    const { lambda } = functions;
    const RoutingConfig = { AdditionalVersionWeights: { 2: 0.125 } };
    const alias = { FunctionName: led, Name: "live", FunctionVersion: "1" };
    await lambda.send(new CreateAliasCommand({ ...alias, RoutingConfig }));
    await lambda.send(new CreateAliasCommand({ ...alias, Name: "next", FunctionVersion: "2" }));
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: led, ReservedConcurrentExecutions: 3 }));
    await lambda.send(
      new PutProvisionedConcurrencyConfigCommand({
        FunctionName: led,
        Qualifier: "next",
        ProvisionedConcurrentExecutions: 1,
      }),
    );
    await lookUntil(fact("Aliases").getByText("live → 1 (87.5 %), 2 (12.5 %)"));
    await lookUntil(fact("Aliases").getByText("next → 2", { exact: true }));
    await lookUntil(fact("Reserved concurrency").getByText("3", { exact: true }));
    await lookUntil(fact("Provisioned concurrency").getByText("next: 1 of 1 ready"));
  });

  it("says of each version how often its snapshot was restored, how fast, and what it cut", async () => {
    const restored = await functions.createSnapStart({ "index.mjs": "export const handler = async () => 1;\n" });
    await functions.publish(restored);
    const page = await browser.login(server, "read", `f/${restored}/versions`);
    const versions = page.getByRole("region", { name: `Versions of ${restored}` });
    const row = versions.getByRole("row").filter({ has: page.getByRole("button", { name: `Verify ${restored}:1` }) });
    await row.locator('[data-label="Restores"]', { hasText: /^0$/ }).waitFor();
    expect(await row.locator('[data-label="p50"]').textContent()).toBe("");
    await functions.invoke(restored, {}, "1");
    await lookUntil(row.locator('[data-label="Restores"]', { hasText: /^1$/ }));
    const shown = await asked<{ snapshots: { restoreP50Ms: number; cutConnections: number }[] }>(
      page,
      `snapshots?function=${restored}`,
    );
    const [snapshot] = shown.snapshots;
    expect(await row.locator('[data-label="p50"]').textContent()).toBe(inMilliseconds(snapshot?.restoreP50Ms ?? -1));
    expect(snapshot?.cutConnections).toBe(0);
    await lookUntil(row.locator('[data-label="Cut connections"]', { hasText: /^0$/ }));
  });

  it("opens what the Init of a version wrote whose snapshot failed", async () => {
    const failing = await functions.createSnapStart({
      "index.mjs": 'console.log("about to fail"); throw new Error("no database here");\n',
    });
    await functions.lambda.send(new PublishVersionCommand({ FunctionName: failing }));
    const page = await browser.login(server, "read", `f/${failing}/versions`);
    await page.getByRole("button", { name: `Init log of ${failing}:1` }).click();
    const log = page.getByRole("region", { name: `Newest lines of ${failing}:1` });
    await log.getByText("about to fail").first().waitFor();
    await log.getByText("no database here").first().waitFor();
    expect(new URL(page.url()).searchParams.get("init")).toBe("1");
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole("button", { name: "Close" }).click();
    await log.waitFor({ state: "detached" });
  });
});

describe("an invocation", () => {
  it("is sent again with its event by the tab that sent it, and by no other", async () => {
    const page = await browser.login(server, "admin", `f/${name}/test`);
    await page.getByLabel("Event (JSON)").fill('{"mark": "to be sent again"}');
    await page.getByRole("button", { name: "Invoke", exact: true }).click();
    await page.getByText("1 invoke done.").waitFor();
    const link = page.getByRole("region", { name: /^Result of/ }).getByRole("link");
    const requestId = (await link.first().textContent()) ?? "";
    await link.first().click();
    await heading(page, `Invocation ${requestId}`).waitFor();
    await page.getByRole("button", { name: "Invoke again" }).click();
    await heading(page, `Invocation ${requestId}`).waitFor({ state: "detached" });
    const again = page.getByRole("heading", { level: 1, name: /^Invocation / });
    await again.waitFor();
    const second = (await again.textContent())?.replace("Invocation ", "") ?? "";
    expect(second).not.toBe(requestId);
    await page.getByRole("region", { name: "Log of this request" }).getByText("plain to be sent again").waitFor();
    // It can be sent a third time.
    await page.getByRole("button", { name: "Invoke again" }).waitFor();
    const other = await browser.login(server, "admin", `i/${second}`);
    await other.getByText("payloads are not kept").waitFor();
    expect(await other.getByRole("button", { name: "Invoke again" }).count()).toBe(0);
    const reader = await browser.login(server, "read", `i/${second}`);
    await reader.getByText("A read-only login invokes nothing again.").waitFor();
    expect(await reader.getByRole("button", { name: "Invoke again" }).count()).toBe(0);
  });
});
