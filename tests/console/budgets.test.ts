// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/**
 * Budgets of the web console: how much a page loads, draws, calls, asks for and keeps. All are counts, which the same
 * code gives on an idle and on a busy machine. Sizes of what is built are those of `tools/build-console.ts --check`,
 * times those of `npm run bench -- console`.
 */
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { Browser } from "./browser.ts";
import { feedLog, takeLog } from "./fed-log.ts";
import { overviewOf } from "./made-overview.ts";
import { PageWork } from "./work.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** Each view in sight asks as often. */
const POLL_MS = 5000;
const FUNCTIONS = 500;
/** The log keeps as many. */
const LINES = 10_000;
/** Of a thousand lines a second, at sixty frames a second. */
const LINES_OF_FRAME = 17;

let server: ThawServer;
let browser: Browser;
let name: string;

beforeAll(async () => {
  server = await startThaw();
  name = await new TestFunctions(server).create({ "index.mjs": "export const handler = async () => 1;\n" });
  browser = await Browser.start({ ports: [Number(new URL(server.endpoint).port)] });
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.remove();
});
afterEach(async () => {
  for (const page of browser.context.pages()) await page.close();
  expect(browser.problems.splice(0)).toEqual([]);
});

const consoleUrl = (path = ""): string => `${server.endpoint}/_thaw/console/${path}`;
const elementsOf = (page: Page): Promise<number> => page.evaluate(() => document.querySelectorAll("*").length);

interface Fetch {
  readonly path: string;
  /** On the page's own clock. */
  readonly atMs: number;
}

/** Before the page is loaded. */
const recordFetches = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const fetches: Fetch[] = [];
    const asked = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      fetches.push({ path: new URL(String(input), location.href).pathname, atMs: Date.now() });
      return asked(input, init);
    };
    Object.assign(globalThis, { fetches });
  });

const fetchesOf = (page: Page): Promise<readonly Fetch[]> =>
  page.evaluate(() => (globalThis as unknown as { readonly fetches: readonly Fetch[] }).fetches);

/** Paths that the page asks for from now on. */
function listenTo(page: Page): string[] {
  const paths: string[] = [];
  page.on("request", (request) => paths.push(new URL(request.url()).pathname));
  return paths;
}

const hide = (page: Page, isHidden: boolean): Promise<void> =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);

it("loads for the first view nothing but what it shows", async () => {
  const page = await browser.login(server);
  const asked = listenTo(page);
  await page.goto(consoleUrl());
  await page.getByRole("link", { name, exact: true }).first().waitFor();
  // On a slow machine the view may have been asked for again by now.
  const ofApi = new Set(asked.filter((path) => path.startsWith("/_thaw/v1/")));
  expect([...ofApi].toSorted()).toEqual(["/_thaw/v1/console/session", "/_thaw/v1/host", "/_thaw/v1/overview"]);
  // The page, its script and its style: more would be more round trips before anything is seen.
  expect(asked.filter((path) => !ofApi.has(path) && !path.endsWith(".svg")).length).toBeLessThanOrEqual(3);
  const bytes = await page.evaluate(() => {
    const entries = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    const sizeOf = (end: RegExp): number =>
      entries.filter((entry) => end.test(entry.name)).reduce((sum, entry) => sum + entry.encodedBodySize, 0);
    const [html] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    return { script: sizeOf(/\.js$/), style: sizeOf(/\.css$/), page: html?.encodedBodySize ?? Number.NaN };
  });
  for (const [what, limit] of [
    ["script", 40 * KIB],
    ["style", 8 * KIB],
    ["page", 2 * KIB],
  ] as const) {
    expect(bytes[what], what).toBeGreaterThan(0);
    expect(bytes[what], what).toBeLessThanOrEqual(limit);
  }
});

it(`draws an overview of ${FUNCTIONS} functions with no more elements, layouts and calls than that needs`, async () => {
  const page = await browser.login(server, "admin", "host");
  // A second answer would be drawn as well: on a slow machine the next poll may come before the counts are read.
  let answers = 0;
  await page.route("**/_thaw/v1/overview", (route) =>
    answers++ === 0 ? route.fulfill({ json: overviewOf(FUNCTIONS) }) : undefined,
  );
  const work = await PageWork.of(page);
  await page.goto(consoleUrl());
  await page.getByRole("link", { name: `orders-${String(FUNCTIONS - 1).padStart(4, "0")}` }).waitFor();
  // Without the 60 minutes of its chart, which are one element, a row has 20.
  expect(await elementsOf(page)).toBeLessThanOrEqual(25 * FUNCTIONS);
  expect(await work.calls()).toBeLessThanOrEqual(1000 * FUNCTIONS);
  expect(await work.layouts()).toBeLessThanOrEqual(10);
});

it("draws of a log what is in sight, once a frame, and keeps no more than its newest lines", async () => {
  const page = await browser.login(server, "admin", "host");
  await takeLog(page, name);
  const work = await PageWork.of(page);
  await page.goto(consoleUrl(`f/${name}/logs`));
  await page.getByText("No line yet").waitFor();
  for (let fed = 0; fed < LINES; fed += 500) await feedLog(page, 500);
  await page.getByText(`${LINES} lines`).waitFor();
  expect(await page.locator(".log .line").count()).toBeLessThanOrEqual(60);
  await work.calls();
  for (let frame = 0; frame < 20; frame++) {
    await feedLog(page, LINES_OF_FRAME);
    // The lines in sight are drawn once, whatever has come: 50 ms are some hundreds of thousands of calls.
    expect(await work.calls(), `frame ${frame}`).toBeLessThanOrEqual(30_000);
  }
  const heapBytes = await work.heapBytes();
  expect(heapBytes).toBeLessThanOrEqual(60 * MIB);
  for (let fed = 0; fed < 2 * LINES; fed += 500) await feedLog(page, 500);
  expect(await work.heapBytes()).toBeLessThanOrEqual(heapBytes + 2 * MIB);
});

it("asks every five seconds for what is in sight, and for nothing while it is hidden", async () => {
  const page = await browser.login(server, "admin", "host");
  await page.clock.install();
  await recordFetches(page);
  await page.goto(consoleUrl("environments"));
  await page.getByText("Loading…").waitFor({ state: "detached" });
  /** Lets half a minute of the page's time go by; an answer may take some of it. */
  const goOn = async (): Promise<void> => {
    for (let ms = 0; ms < 6 * POLL_MS; ms += POLL_MS / 10) await page.clock.runFor(POLL_MS / 10);
  };
  await goOn();
  const fetches = await fetchesOf(page);
  const polls = fetches.filter(({ path }) => path === "/_thaw/v1/environments");
  expect(polls.length).toBeGreaterThanOrEqual(2);
  expect(fetches.length - polls.length).toBeLessThanOrEqual(1);
  for (const [at, { atMs }] of polls.entries())
    if (at > 0) expect(atMs - (polls[at - 1]?.atMs ?? 0), `poll ${at}`).toBeGreaterThanOrEqual(POLL_MS);
  await hide(page, true);
  const before = await fetchesOf(page);
  await goOn();
  expect(await fetchesOf(page)).toEqual(before);
  await hide(page, false);
  // The clock stands still: who comes back is shown what is new at once, and is asked for nothing twice.
  const after = await fetchesOf(page);
  expect(after.slice(before.length).map(({ path }) => path)).toEqual(["/_thaw/v1/environments"]);
});
