// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/** What single views of the web console show and do: keys, the log's lines, a function's header, invokes anew. */
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
import { accessibilityProblems, ACTION_MS_MAX, asked, Browser } from "./browser.ts";
import { feedLog, takeLog } from "./fed-log.ts";

const CHECK_MS_MAX = 120_000;
const POLLED = { timeout: ACTION_MS_MAX };
/** Prints a line of each level, and one that is far wider than the page. */
const LEVELS = `
export const handler = async (event) => {
  console.log("plain " + event.mark);
  console.debug("quiet " + event.mark);
  console.warn("slow " + event.mark);
  console.error("broken " + event.mark);
  console.log(JSON.stringify({ level: "FATAL", message: "ended " + event.mark }));
  console.log("wide " + "word ".repeat(300) + event.mark);
  return event;
};
`;

let server: ThawServer;
let functions: TestFunctions;
let browser: Browser;
let name: string;

beforeAll(async () => {
  server = await startThaw();
  functions = new TestFunctions(server);
  name = await functions.create({ "index.mjs": LEVELS });
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

describe("the lines of a log", () => {
  it("tell their level by letter and colour, and the end of an invoke in few words", async () => {
    const page = await browser.login(server, "admin", `f/${name}/logs`);
    await functions.invoke(name, { mark: "one" });
    const log = page.getByRole("log");
    const lineOf = (text: string) => log.locator(".line", { hasText: text });
    for (const [text, letter, level] of [
      ["plain one", "I", "info"],
      ["quiet one", "D", "debug"],
      ["slow one", "W", "warning"],
      ["broken one", "E", "error"],
      ["ended one", "E", "fatal"],
    ] as const) {
      const told = lineOf(text).getByTitle(`level: ${level}`);
      await told.waitFor();
      expect(await told.textContent()).toBe(letter);
      await lineOf(text).locator(`span.level-${letter}`).waitFor();
    }
    const report = log.locator(".line.platform", { has: page.locator(".chip", { hasText: /^REPORT$/ }) });
    await report
      .getByText(/^[\d.]+ ms$/)
      .first()
      .waitFor();
    await report.getByText(/^\d+ MB of \d+ MB$/).waitFor();
    await report.getByText(/^ ?· init [\d.]+ ms$/).waitFor();
    const requestId = (await report.getByRole("link").textContent()) ?? "";
    await report.getByRole("link").click();
    await heading(page, `Invocation ${requestId}`).waitFor();
    await page.goBack();
    await lineOf("broken one").waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await accessibilityProblems(page), colorScheme).toEqual([]);
    }
  });

  it("are wrapped where that is wanted, each at its place, and the end stays in sight", async () => {
    const page = await browser.login(server, "admin", `f/${name}/logs`);
    await functions.invoke(name, { mark: "two" });
    const log = page.getByRole("log");
    const wide = log.locator(".line", { hasText: /wide .* two$/ });
    await wide.waitFor();
    const seen = () =>
      log.evaluate((box) => {
        const lines = [...box.querySelectorAll(".line")].map((line) => line.getBoundingClientRect());
        return {
          isWide: box.scrollWidth > box.clientWidth,
          highest: Math.max(...lines.map(({ height }) => height)),
          gaps: lines.filter(({ top }, at) => at > 0 && Math.abs(top - (lines[at - 1]?.bottom ?? 0)) > 1).length,
          left: box.scrollHeight - box.clientHeight - box.scrollTop,
        };
      });
    expect(await seen()).toMatchObject({ isWide: true, highest: 20 });
    await page.getByLabel("wrap long lines").check();
    await expect.poll(async () => (await seen()).highest, POLLED).toBeGreaterThan(20);
    expect(new URL(page.url()).searchParams.get("wrap")).toBe("1");
    for (let round = 0; round < 5; round++) await functions.invoke(name, { mark: `more ${round}` });
    await log.getByText(/wide .* more 4$/).waitFor();
    expect(await seen()).toMatchObject({ isWide: false, gaps: 0 });
    await expect.poll(async () => (await seen()).left, POLLED).toBeLessThanOrEqual(1);
    expect(await page.getByRole("button", { name: /new line/ }).count()).toBe(0);
    // From here on it stands still: what is read stays where it is.
    await log.evaluate((box) => box.scrollTo(0, 0));
    await functions.invoke(name, { mark: "late" });
    await page.getByRole("button", { name: /new lines?$/ }).waitFor();
    expect(await log.evaluate((box) => box.scrollTop)).toBe(0);
    await page.getByRole("button", { name: /new lines?$/ }).click();
    await log.getByText(/wide .* late$/).waitFor();
    await page.getByLabel("wrap long lines").uncheck();
    await expect.poll(async () => (await seen()).highest, POLLED).toBe(20);
  });
});

describe("a log that is full", () => {
  it.for([false, true])("stands still where it is read, whatever comes and goes (wrapped: %s)", async (isWrapped) => {
    const page = await browser.login(server, "admin", "host");
    // So narrow that lines are wrapped where that is wanted.
    await page.setViewportSize({ width: 500, height: 900 });
    await takeLog(page, name);
    await page.goto(`${server.endpoint}/_thaw/console/f/${name}/logs${isWrapped ? "?wrap=1" : ""}`);
    await page.getByText("No line yet").waitFor();
    for (let fed = 0; fed < 10_000; fed += 2000) await feedLog(page, 2000);
    const log = page.getByRole("log");
    await log.evaluate((box) => box.scrollTo(0, 150_000));
    const read = () =>
      log.evaluate((box) => {
        const { top } = box.getBoundingClientRect();
        const line = [...box.querySelectorAll(".line")].find((each) => each.getBoundingClientRect().bottom > top + 1);
        return { text: line?.textContent ?? "", at: Math.round((line?.getBoundingClientRect().top ?? 0) - top) };
      });
    await page.getByRole("button", { name: /new line/ }).waitFor({ state: "detached" });
    await feedLog(page, 1);
    await page.getByRole("button", { name: "1 new line" }).waitFor();
    const before = await read();
    expect(before.text).toContain(" order ");
    for (let round = 0; round < 5; round++) {
      await feedLog(page, 100);
      expect(await read()).toEqual(before);
    }
    await page.getByText("There are more than 100 new lines.").waitFor();
  });
});

describe("all snapshots", () => {
  it("are verified by one button, which says what it found", async () => {
    const page = await browser.login(server, "read", "snapshots");
    const own = await functions.createSnapStart({ "index.mjs": "export const handler = async () => 1;\n" });
    await functions.publish(own);
    await page.getByRole("link", { name: `${own}:1` }).waitFor();
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
    await fact("Aliases").getByText("live → 1 (87.5 %), 2 (12.5 %)").waitFor();
    await fact("Aliases").getByText("next → 2", { exact: true }).waitFor();
    await fact("Reserved concurrency").getByText("3", { exact: true }).waitFor();
    await fact("Provisioned concurrency").getByText("next: 1 of 1 ready").waitFor();
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
    await row.locator('[data-label="Restores"]', { hasText: /^1$/ }).waitFor();
    const shown = await asked<{ snapshots: { restoreP50Ms: number; cutConnections: number }[] }>(
      page,
      `snapshots?function=${restored}`,
    );
    const [snapshot] = shown.snapshots;
    expect(await row.locator('[data-label="p50"]').textContent()).toBe(inMilliseconds(snapshot?.restoreP50Ms ?? -1));
    expect(snapshot?.cutConnections).toBe(0);
    await row.locator('[data-label="Cut connections"]', { hasText: /^0$/ }).waitFor();
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
