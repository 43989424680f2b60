// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/** The page of the web console as such: its policy, its keys, and what it says of the host, itself, and nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import { ACTION_MS_MAX, Browser } from "./browser.ts";
import { lookUntil } from "./look.ts";

const POLLED = { timeout: ACTION_MS_MAX };
/** More than any view has between two things. */
const TABS_MAX = 100;
let ports: readonly number[];
let server: ThawServer;
let browser: Browser;
let name: string;

beforeAll(async () => {
  server = await startThaw();
  ports = [Number(new URL(server.endpoint).port)];
  const code = { "index.mjs": "export const handler = async () => 1;\n" };
  name = await new TestFunctions(server).create(code, { Description: "Answers with what it got" });
  browser = await Browser.start({ ports });
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

describe("the page", () => {
  it("runs no text as code, and loads nothing from elsewhere", async () => {
    await using attacked = await Browser.start({ ports });
    const page = await attacked.login(server);
    const outcomes = await page.evaluate(async () => {
      const tried: string[] = [];
      const attempt = async (what: string, run: () => unknown): Promise<void> => {
        try {
          await run();
          tried.push(what);
        } catch {
          // Refused, as it should be.
        }
      };
      await attempt("innerHTML", () => {
        document.body.innerHTML = "<img src=x>";
      });
      await attempt("script", () => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'ran'";
        document.body.append(script);
      });
      await attempt("fetch", () => fetch("http://127.0.0.1:1/"));
      return tried;
    });
    expect(outcomes).toEqual([]);
    // The browser tells of each when it comes to it.
    for (const policy of [/policy: require-trusted-types-for/, /policy: connect-src/])
      await expect.poll(() => attacked.problems.join("\n"), POLLED).toMatch(policy);
  });

  it("can be used with the keyboard alone", async () => {
    const page = await browser.login(server);
    await page.getByRole("link", { name, exact: true }).first().waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    for (let presses = 0; (await focused()) !== name && presses < 40; presses++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await heading(page, name).waitFor();
    // A moment after the heading is there.
    await expect.poll(focused, POLLED).toBe(name);
    for (let presses = 0; (await focused()) !== "Configuration" && presses < 40; presses++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("Answers with what it got").waitFor();
    await page.getByRole("link", { name: "Logs", exact: true }).last().focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Lines with").waitFor();
    await page.keyboard.press("/");
    // What is typed there is text again.
    await page.keyboard.type("a/b");
    await expect.poll(() => page.getByLabel("Lines with").inputValue(), POLLED).toBe("a/b");
  });

  it("leads from a deployment to the waterfall of an invoke with the keyboard alone", async () => {
    const place = mkdtempSync(join(tmpdir(), "thaw-keyboard-"));
    onTestFinished(() => rmSync(place, { recursive: true, force: true }));
    expect(await runThaw(["init", "hello", "--runtime", "nodejs"], server.env, place)).toMatchObject({ code: 0 });
    const { stdout } = await runThaw(["deploy", "hello", "--json"], server.env, place);
    const { functions } = JSON.parse(stdout) as {
      readonly functions: ReadonlyArray<{ readonly functionName: string }>;
    };
    const deployed = functions[0]?.functionName ?? "";
    const page = await browser.login(server);
    await page.getByRole("link", { name: deployed, exact: true }).first().waitFor();
    await pressAt(page, deployed);
    await heading(page, deployed).waitFor();
    await pressAt(page, "Test");
    await page.getByLabel("Event (JSON)").waitFor();
    await pressAt(page, "Invoke");
    await page.getByText("1 invoke done.").waitFor();
    const requestId =
      (await page
        .getByRole("region", { name: /^Result of/ })
        .getByRole("link")
        .textContent()) ?? "";
    await pressAt(page, requestId);
    await heading(page, `Invocation ${requestId}`).waitFor();
    // The waterfall is one stop of the Tab key; the arrows lead along its steps.
    await tabTo(page, ({ role }) => role === "listitem");
    const first = (await focused(page)).name;
    await page.keyboard.press("End");
    const last = (await focused(page)).name;
    expect([first, last]).toEqual([expect.stringMatching(/: .*m?s/), expect.stringMatching(/: .*m?s/)]);
    expect(last).not.toBe(first);
  });

  it("says what keeps the host from its work on its first view", async () => {
    const page = await browser.login(server);
    const ill = "No sandbox is made: the firewall is gone";
    await page.route("**/_thaw/v1/host", async (route) => {
      const answer = await route.fetch();
      const host = (await answer.json()) as { readonly network: object };
      await route.fulfill({ json: { ...host, network: { ...host.network, problem: "the firewall is gone" } } });
    });
    await page.reload();
    await page.getByText(ill).getByRole("link", { name: "The host" }).click();
    await heading(page, "Host").waitFor();
    await page.getByText(ill).waitFor();
  });

  it("offers to load itself when the server has another one", async () => {
    const page = await browser.login(server, "admin", "environments");
    await page.getByText("Loading…").waitFor({ state: "detached" });
    await page.route("**/_thaw/v1/environments", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, headers: { ...answer.headers(), "x-thaw-build": "another" } });
    });
    await lookUntil(page.getByText("The server has another version of this page."));
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.getByRole("button", { name: "Load it" }).click();
    await heading(page, "Environments").waitFor();
    await page.getByText("The server has another version").waitFor({ state: "detached" });
  });
});

describe("the page of a function that is not there", () => {
  it("says so on each tab, once", async () => {
    const page = await browser.login(server, "admin", "f/nowhere");
    for (const tab of ["Invocations", "Test", "Logs", "Versions", "Compare", "Check", "Metrics", "Configuration"]) {
      await page.getByRole("navigation", { name: "Function" }).getByRole("link", { name: tab }).click();
      await expect.poll(() => page.getByText(/Function not found: /).count(), { ...POLLED, message: tab }).toBe(1);
    }
  });
});

interface Focused {
  readonly role: string | null;
  readonly name: string;
}

function focused(page: Page): Promise<Focused> {
  return page.evaluate(() => {
    const element = document.activeElement;
    const name = element?.getAttribute("aria-label") ?? element?.textContent ?? "";
    return { role: element?.getAttribute("role") ?? null, name };
  });
}

/** Presses Tab until something wanted has the focus, which is to be seen there; never goes round the whole page. */
async function tabTo(page: Page, isWanted: (element: Focused) => boolean): Promise<void> {
  for (let presses = 0; presses < TABS_MAX; presses++) {
    await page.keyboard.press("Tab");
    if (!isWanted(await focused(page))) continue;
    const isMarked = await page.evaluate(() => document.activeElement?.matches(":focus-visible"));
    expect(isMarked).toBe(true);
    return;
  }
  throw new Error(`the Tab key does not lead there; it is now at ${JSON.stringify(await focused(page))}`);
}

async function pressAt(page: Page, name: string): Promise<void> {
  await tabTo(page, (element) => element.name === name);
  await page.keyboard.press("Enter");
}
