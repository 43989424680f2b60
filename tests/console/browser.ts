/** A real browser before a real server, for the tests of the web console. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signRequest } from "@thaw/aws-api";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import type { ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { OwnNetwork } from "./own-network.ts";

export const PROGRAM = "/usr/bin/chromium";
/** Nothing that asks the network on its own. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];
/** Of one step in a page that hangs. */
export const ACTION_MS_MAX = 60_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export interface BrowserOptions {
  /** Ports of the host's loopback that its pages can reach: it has a network of its own. */
  readonly ports: readonly number[];
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  /** True for axe alone, whose own means the page's policy forbids. */
  readonly bypassCSP?: boolean;
}

/** One browser with a profile of its own. */
export class Browser implements AsyncDisposable {
  readonly context: BrowserContext;
  /** What broke the page's policy, and what was thrown in it; a test that expects some takes it out. */
  readonly problems: string[] = [];
  readonly #profile: string;
  readonly #network: OwnNetwork;

  private constructor(context: BrowserContext, profile: string, network: OwnNetwork) {
    this.context = context;
    this.#profile = profile;
    this.#network = network;
  }

  static async start({
    ports,
    colorScheme = "light",
    width = 1280,
    bypassCSP = false,
  }: BrowserOptions): Promise<Browser> {
    const network = await OwnNetwork.make(ports);
    const profile = mkdtempSync(join(tmpdir(), "thaw-browser-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: network.wrap(PROGRAM),
      headless: true,
      args: ARGS,
      colorScheme,
      bypassCSP,
      viewport: { width, height: 900 },
    });
    const browser = new Browser(context, profile, network);
    await context.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        // oxlint-disable-next-line no-console -- the way out of the page
        console.error(`policy: ${violatedDirective} ${blockedURI}`),
      ),
    );
    context.on("console", (message) => {
      const text = message.text();
      if (/^policy: |Content Security Policy|Trusted/.test(text)) browser.problems.push(text);
    });
    context.on("weberror", (error) => browser.problems.push(`thrown: ${error.error().message}`));
    return browser;
  }

  async page(): Promise<Page> {
    const page = await this.context.newPage();
    page.setDefaultTimeout(ACTION_MS_MAX);
    return page;
  }

  /** A page that is logged in, at a path of the console. */
  async login(server: ThawServer, role: "admin" | "read" = "admin", path = ""): Promise<Page> {
    const page = await this.page();
    await page.goto(await madeUrl(server, role));
    await page.getByRole("button", { name: "Log out" }).waitFor();
    if (path !== "") await goWithin(page, `/_thaw/console/${path}`);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
    await this.#network.remove();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** The address of a login, as `thaw console` makes it: starting the command for each page takes most of a second. */
async function madeUrl({ endpoint, env }: ThawServer, role: "admin" | "read"): Promise<string> {
  const { host } = new URL(endpoint);
  const body = Buffer.from(JSON.stringify({ role }));
  const toSign = { method: "POST", path: "/_thaw/v1/console/code", query: "", headers: { host }, body };
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const headers = signRequest(toSign, credentials, "us-east-1", Date.now());
  const response = await fetch(endpoint + toSign.path, {
    method: "POST",
    headers: { ...headers, connection: "close" },
    body: new Uint8Array(body),
  });
  const { path } = (await response.json()) as { readonly path: string };
  return endpoint + path;
}

/** What `thaw console` prints. */
export async function printedUrl(server: ThawServer, role: "admin" | "read" = "admin"): Promise<string> {
  const args = ["--json", "console", "--print", ...(role === "read" ? ["--read-only"] : [])];
  const { stdout, stderr } = await runThaw(args, server.env);
  if (stdout === "") throw new Error(`thaw console: ${stderr}`);
  return (JSON.parse(stdout) as { readonly url: string }).url;
}

/** What axe finds wrong with a page, a line each. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (rules) => {
    const { axe } = window as unknown as {
      readonly axe: {
        run(
          context: Document,
          options: object,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>;
      };
    };
    return (await axe.run(document, { runOnly: { type: "tag", values: rules } })).violations;
  }, RULES);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = "" }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
  );
}

/** Elements that hide some of their content at a side, with nothing to scroll it into sight by, a line each. */
export function cutElements(page: Page): Promise<readonly string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("body *")]
      .filter((element) => {
        const { overflowX, position } = getComputedStyle(element);
        // What is only for screen readers is a pixel wide and out of the flow.
        const isHidden = position === "absolute" && element.clientWidth <= 1;
        return !isHidden && /hidden|clip/.test(overflowX) && element.scrollWidth > element.clientWidth + 1;
      })
      .map((element) => element.outerHTML.slice(0, 200)),
  );
}

/** As a link of the page does: nothing is loaded anew, and axe stays in the page. */
export async function goWithin(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
    // By the second frame the view is drawn, or says that it loads.
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }, path);
}

/** Asks Thaw's own API as the page does. */
export async function asked<T>(page: Page, path: string): Promise<T> {
  const text = await page.evaluate(async (route) => {
    const headers = { authorization: `Bearer ${localStorage.getItem("thaw-console-token")}` };
    return (await fetch(`/_thaw/v1/${route}`, { headers })).text();
  }, path);
  return JSON.parse(text) as T;
}
