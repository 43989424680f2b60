// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/** Logs in the web console: their lines, one that is full, and one that goes on while its server is started anew. */
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { freePort } from "../support/free-port.ts";
import { TestFunctions } from "../support/functions.ts";
import { accessibilityProblems, ACTION_MS_MAX, Browser } from "./browser.ts";
import { feedLog, takeLog } from "./fed-log.ts";
import { lookUntil } from "./look.ts";
import { HOSTILE } from "./shown.ts";

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

/** Where the server is again after a restart. */
let port: number;
let server: ThawServer;
let functions: TestFunctions;
let browser: Browser;
let name: string;

beforeAll(async () => {
  port = await freePort();
  server = await startThaw({ args: listen() });
  functions = new TestFunctions(server);
  name = await functions.create({ "index.mjs": LEVELS });
  // Axe's own means are what the page's policy forbids; that is another test's.
  browser = await Browser.start({ ports: [port], bypassCSP: true });
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.remove();
});
afterEach(async () => {
  for (const page of browser.context.pages()) await page.close();
  expect(browser.problems.splice(0)).toEqual([]);
});

const listen = (): readonly string[] => ["--listen", `127.0.0.1:${port}`];
const heading = (page: Page, title: string) => page.getByRole("heading", { level: 1, name: title });

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

describe("a live log", () => {
  it("shows what a function prints as text, and goes on after a restart of the server, as other pages do", async () => {
    const earlier = await functions.create({ "index.mjs": LEVELS });
    await functions.invoke(earlier, { mark: "earlier" });
    const hostile = await functions.create({ "index.mjs": HOSTILE });
    const page = await browser.login(server, "admin", `f/${hostile}/logs`);
    const all = await browser.page();
    await all.goto(`${server.endpoint}/_thaw/console/logs`);
    const ofAll = all.getByRole("log");
    const other = await browser.page();
    await other.goto(`${server.endpoint}/_thaw/console/environments`);
    await heading(other, "Environments").waitFor();
    await ofAll.getByRole("link", { name: earlier, exact: true }).first().waitFor();
    const log = page.getByRole("log");
    await functions.invoke(hostile, { mark: " first", isLong: true });
    await log.getByText("<img src=x onerror=alert(1)> first").waitFor();
    expect(await page.locator("img").count()).toBe(0);
    await log.locator(".ansi-1", { hasText: /^red$/ }).waitFor();
    await log.getByText("\\u202eturned nul first").waitFor();
    await log
      .getByText(/^ … \d+ more characters$/)
      .first()
      .waitFor();
    // An event of 200 KiB of control characters is six times as long on its way.
    await log.getByText(/^ … 20\d{4} more characters$/).waitFor();
    await log.getByText(" … 201 more lines of this event").waitFor();
    const report = log.locator(".line", { has: page.locator(".chip", { hasText: /^REPORT$/ }) }).first();
    await report.waitFor();
    await ofAll.getByText("<img src=x onerror=alert(1)> first").waitFor();
    expect(await all.locator("img").count()).toBe(0);
    const request = report.getByRole("link");
    expect(await request.getAttribute("href")).toBe(`/_thaw/console/i/${await request.textContent()}`);
    // A click waits for frames, of which a page behind others has one a second.
    await page.bringToFront();
    await log.locator(".line", { hasText: "WARN structured first" }).getByRole("button").click();
    const json = page.getByRole("region", { name: /^JSON of .*, whole$/ });
    await json.getByText('"evil": "<b>bold</b>"').waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await json.waitFor({ state: "detached" });
    await server.stop();
    const unanswered = other.getByText("The server does not answer");
    await lookUntil(unanswered);
    server = await startThaw({ previous: server, args: listen() });
    functions = new TestFunctions(server);
    await lookUntil(unanswered, "gone");
    await other
      .getByText(/No environment is there|Execution environments/)
      .first()
      .waitFor({ state: "attached" });
    await functions.invoke(hostile, { mark: " second" });
    await log.getByText("<img src=x onerror=alert(1)> second").waitFor();
    await ofAll.getByText("<img src=x onerror=alert(1)> second").waitFor();
    for (const each of [log, ofAll]) expect(await each.getByText("onerror=alert(1)> first").count()).toBe(1);
    await all.getByLabel("Events with").fill("onerror=alert(1)> second");
    await all.getByLabel("Events with").press("Enter");
    await ofAll.getByText("onerror=alert(1)> first").waitFor({ state: "detached" });
    await ofAll.getByText("onerror=alert(1)> second").waitFor();
    expect(await ofAll.getByText("REPORT").count()).toBe(0);
    await page.getByLabel("Lines with").fill("second");
    await page.getByLabel("Lines with").press("Enter");
    await log.getByText("onerror=alert(1)> first").waitFor({ state: "detached" });
    await log.getByText("onerror=alert(1)> second").waitFor();
  });
});
