/**
 * The budgets of the web console that are times: of the overview of a server with 500 functions, as an answer and as a
 * page, and of frames while a log gets 1,000 lines a second. What can be counted is in tests/console/budgets.test.ts.
 */
import { existsSync } from "node:fs";
import type { Page } from "playwright-core";
import { signRequest } from "@thaw/aws-api";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { Browser, PROGRAM } from "./browser.ts";
import { feedLog, takeLog } from "./fed-log.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "../bench/series.ts";

const FUNCTIONS = 500;
/** Functions that are made at once. */
const AT_ONCE = 10;
const ROUNDS = 20;
const LOG_ROUNDS = 3;
const LINES = 10_000;
const LINES_OF_FRAME = 17;
const CODE = { "index.mjs": "export const handler = async () => 1;\n" };

export async function* measureConsolePages(): AsyncGenerator<Series> {
  if (!existsSync(PROGRAM)) {
    process.stdout.write(`no ${PROGRAM}: pages of the console are not measured (sh tools/install-browser.sh)\n`);
    return;
  }
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server);
    const first = await functions.create(CODE);
    for (let made = 1; made < FUNCTIONS; made += AT_ONCE)
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, FUNCTIONS - made) }, () => functions.create(CODE)));
    yield {
      name: `Overview of ${FUNCTIONS} functions, answer of the API`,
      unit: "ms",
      values: await ofAnswers(server),
    };
    const browser = await Browser.start({ ports: [Number(new URL(server.endpoint).port)] });
    try {
      yield* ofOverview(server, browser);
      yield* ofLog(server, browser, first);
    } finally {
      await browser[Symbol.asyncDispose]();
    }
  } finally {
    await server.remove();
  }
}

async function ofAnswers({ endpoint, env }: ThawServer): Promise<readonly number[]> {
  const path = "/_thaw/v1/overview";
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const values: number[] = [];
  // The first round warms the server up.
  for (let round = 0; round <= ROUNDS; round++) {
    const toSign = { method: "GET", path, query: "", headers: { host: new URL(endpoint).host }, body: Buffer.alloc(0) };
    const headers = signRequest(toSign, credentials, "us-east-1", Date.now());
    const startMs = performance.now();
    const response = await fetch(endpoint + path, { headers });
    const { functions } = (await response.json()) as { readonly functions: readonly unknown[] };
    if (functions.length !== FUNCTIONS) throw new Error(`the overview has ${functions.length} functions`);
    if (round > 0) values.push(performance.now() - startMs);
  }
  return values;
}

/** Milliseconds since the HTML was there. */
async function* ofOverview(server: ThawServer, browser: Browser): AsyncGenerator<Series> {
  const page = await browser.login(server, "admin", "host");
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.addInitScript((rows) => {
    const look = (): void => {
      if (document.querySelectorAll("tbody tr").length < rows) requestAnimationFrame(look);
      // In the frame that follows it is on the screen.
      else requestAnimationFrame(() => Object.assign(globalThis, { drawnMs: performance.now() }));
    };
    requestAnimationFrame(look);
  }, FUNCTIONS);
  const paints: number[] = [];
  const drawn: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await page.goto(`${server.endpoint}/_thaw/console/`);
    await page.waitForFunction(() => "drawnMs" in globalThis);
    const times = await page.evaluate(() => {
      const [html] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
      const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN;
      const { drawnMs } = globalThis as unknown as { readonly drawnMs: number };
      return { paint: paint - (html?.responseEnd ?? 0), drawn: drawnMs - (html?.responseEnd ?? 0) };
    });
    paints.push(times.paint);
    drawn.push(times.drawn);
  }
  await page.close();
  yield { name: "  its first paint after the HTML, cold cache", unit: "ms", values: paints };
  yield { name: "  all of it on the screen", unit: "ms", values: drawn };
}

async function* ofLog(server: ThawServer, browser: Browser, name: string): AsyncGenerator<Series> {
  const longest: number[] = [];
  for (let round = 0; round < LOG_ROUNDS; round++) {
    const page = await browser.login(server, "admin", "host");
    await takeLog(page, name);
    await page.goto(`${server.endpoint}/_thaw/console/f/${name}/logs`);
    await page.getByText("No line yet").waitFor();
    longest.push(await longestFrame(page));
    await page.close();
  }
  yield { name: `Log of ${LINES} lines at 1,000 a second, the longest frame`, unit: "ms", values: longest };
}

/** Feeds lines as fast as frames come, and gives the longest time between two of them. */
async function longestFrame(page: Page): Promise<number> {
  await feedLog(page, LINES_OF_FRAME);
  await page.evaluate(() => {
    const frames = { longestMs: 0, lastMs: performance.now() };
    const look = (nowMs: number): void => {
      frames.longestMs = Math.max(frames.longestMs, nowMs - frames.lastMs);
      frames.lastMs = nowMs;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    Object.assign(globalThis, { frames });
  });
  const endMs = performance.now() + (LINES / 1000) * 1000;
  // A feed is drawn two frames later.
  while (performance.now() < endMs) await feedLog(page, 2 * LINES_OF_FRAME);
  return page.evaluate(
    () => (globalThis as unknown as { readonly frames: { readonly longestMs: number } }).frames.longestMs,
  );
}
