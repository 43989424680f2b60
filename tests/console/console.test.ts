// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/** The web console as people use it, and what no page of elsewhere may do. */
import { once } from "node:events";
import { createServer } from "node:http";
import { CreateAliasCommand } from "@aws-sdk/client-lambda";
import type { InvocationDetails } from "@thaw/thaw-api/invocations";
import { inMilliseconds, layWaterfall } from "@thaw/thaw-api/waterfall";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { TestFunctions } from "../support/functions.ts";
import { ACTION_MS_MAX, asked, Browser, printedUrl } from "./browser.ts";
import { tryFromElsewhere } from "./elsewhere.ts";
import { lookUntil } from "./look.ts";
import { CODE, takePictures } from "./shown.ts";
import { CHANGES, createStack, STACK } from "./stack.ts";

/** Each wait ends as soon as it can: for what hangs, on a machine with other tests. */
const POLLED = { timeout: ACTION_MS_MAX };
const CHECK_MS_MAX = 120_000;
/** The server's, and that of a page of elsewhere: the browser reaches these two. */
let ports: readonly [own: number, elsewhere: number];
let server: ThawServer;
let functions: TestFunctions;
let browser: Browser;
let name: string;

beforeAll(async () => {
  ports = [await freePort(), await freePort()];
  server = await startThaw({ args: ["--listen", `127.0.0.1:${ports[0]}`] });
  functions = new TestFunctions(server);
  name = await functions.createSnapStart(CODE, {
    Description: "Answers with what it got",
    Environment: { Variables: { PASSWORD: "hunter2" } },
  });
  await functions.publish(name);
  await functions.lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion: "1" }));
  await functions.invoke(name, {}, "1");
  await createStack(server);
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

describe("logging in", () => {
  it("works by the address that thaw console prints, once, and leaves no code behind", async () => {
    const url = await printedUrl(server);
    const page = await browser.page();
    await page.goto(url);
    await heading(page, "Overview").waitFor();
    expect(page.url()).toBe(`${server.endpoint}/_thaw/console/`);
    expect(await browser.context.cookies()).toEqual([]);
    await page.getByRole("button", { name: "Log out" }).click();
    await heading(page, "Log in").waitFor();
    const again = await browser.page();
    await again.goto(url);
    await again.getByText("This login was used already").waitFor();
  });

  it("lasts over a restart of the page, and ends when it is revoked", async () => {
    const page = await browser.login(server);
    await page.reload();
    await heading(page, "Overview").waitFor();
    expect((await runThaw(["console", "--revoke"], server.env)).code).toBe(0);
    await lookUntil(heading(page, "Log in"));
    await page.getByText("ended or was revoked").waitFor();
  });
});

describe("an admin", () => {
  it("sees functions, versions and environments, and acts on them", async () => {
    const page = await browser.login(server);
    const row = page.getByRole("region", { name: "Functions" }).getByRole("row").filter({ hasText: name });
    await row.getByText("Answers with what it got").waitFor();
    await row.getByText("ready (version 1)").waitFor();
    await row.getByRole("link", { name }).first().click();
    await heading(page, name).waitFor();
    await page.getByRole("link", { name: "Versions" }).click();
    const version = page.getByRole("row").filter({ has: page.getByRole("button", { name: `Verify ${name}:1` }) });
    await version.getByText("live").waitFor();
    await version.getByRole("button", { name: `Verify ${name}:1` }).click();
    await version.getByText(/^whole: \d+ chunks read\.$/).waitFor();
    await page.getByRole("button", { name: `Publish a version of ${name}` }).click();
    // Nothing has changed since: AWS, too, answers with the version that there is.
    await page.getByText("version 1 is published").waitFor();
    await page.getByRole("link", { name: "Configuration" }).click();
    await page.getByText("PASSWORD").click();
    await page.getByText("hunter2").waitFor();
    await page.getByRole("link", { name: "Environments" }).click();
    await page
      .getByRole("row")
      .filter({ hasText: `${name}:1` })
      .getByText("restored")
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Stop all environments" }).click();
    await lookUntil(page.getByText(/No environment is there|parked/));
    await expect
      .poll(() => server.output(), POLLED)
      .toContain('"event":"console action","operation":"stopEnvironments"');
    await page.getByRole("link", { name: "Snapshots" }).click();
    await heading(page, "Snapshots").waitFor();
    await page.getByRole("link", { name: "Host" }).click();
    await page.getByText("nothing is wrong with this host").waitFor();
    await page.goBack();
    await heading(page, "Snapshots").waitFor();
  });

  it("deletes a version only by its typed name", async () => {
    const other = await functions.createSnapStart(CODE);
    await functions.publish(other);
    const page = await browser.login(server, "admin", `f/${other}/versions`);
    await page.getByRole("button", { name: `Delete ${other}:1` }).click();
    const form = page.getByRole("form", { name: `Delete ${other}:1` });
    const button = form.getByRole("button", { name: "Delete" });
    expect(await button.isDisabled()).toBe(true);
    await form.getByRole("textbox").fill(`${other}:1`);
    await button.click();
    await form.waitFor({ state: "detached" });
    await lookUntil(page.getByRole("button", { name: `Verify ${other}:1` }), "gone");
  });
});

describe("an invoke from the Test view", () => {
  it("is cold, then warm, and its waterfall has the API's numbers", async () => {
    const page = await browser.login(server, "admin", `f/${name}/test`);
    await page.getByLabel("Event (JSON)").fill('{"question": ');
    expect(await page.getByRole("button", { name: "Invoke" }).isDisabled()).toBe(true);
    await page.getByLabel("Event (JSON)").fill('{"question": 42}');
    await page.getByLabel("Qualifier").selectOption("1");
    const stop = page.getByLabel("stop its environments first");
    await stop.check();
    await page.getByRole("button", { name: "Invoke" }).click();
    await page.getByText("1 invoke done.").waitFor();
    // It is idle a moment after its answer is there; until then another one would be made.
    await functions.eventually("an idle environment", async () =>
      (await functions.environments(name)).some(({ state, version }) => state === "idle" && version === "1"),
    );
    await stop.uncheck();
    await page.getByRole("button", { name: "Invoke" }).click();
    const results = page.getByRole("region", { name: /^Result of/ });
    await results.getByText("its environment was warm").waitFor();
    await page.getByLabel("Times").fill("2");
    await stop.check();
    await page.getByRole("button", { name: "Invoke" }).click();
    await page.getByText("2 invokes done.").waitFor();
    expect(await results.count()).toBe(2);
    expect(await results.first().textContent()).toContain('"question": 42');
    const link = results.first().getByRole("link");
    const requestId = (await link.textContent()) ?? "";
    // What comes after the answer adds a row: the page would have it in its next look, or already.
    const details = await functions.eventually("the memory of the clone is counted", async () => {
      const now = await asked<InvocationDetails>(page, `invocations/${requestId}`);
      return now.workingSet !== null && now;
    });
    await link.click();
    await heading(page, `Invocation ${requestId}`).waitFor();
    expect(details).toMatchObject({ start: "restored", outcome: "success" });
    const { sentence, rows } = layWaterfall(details);
    await page.getByText(sentence, { exact: true }).waitFor();
    await page.getByText("As a table").click();
    const cells = await page
      .getByRole("region", { name: "Steps of the invocation" })
      .locator("tbody tr")
      .allTextContents();
    expect(cells).toHaveLength(rows.length);
    for (const [at, { label, durationMs }] of rows.entries()) {
      expect(cells[at]).toContain(label);
      expect(cells[at]).toContain(inMilliseconds(durationMs));
    }
    await page.getByText("As a table").click();
    const row = page.getByRole("region", { name: "Waterfall" }).getByRole("listitem");
    await row.first().focus();
    await page.keyboard.press("End");
    const focused = (): Promise<string | null> =>
      page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? null);
    const last = rows.at(-1);
    expect(await focused()).toContain(`${last?.label}: `);
    await page
      .getByRole("region", { name: "Waterfall" })
      .getByText((await focused()) ?? "")
      .last()
      .waitFor();
    await page.keyboard.press("ArrowUp");
    expect(await focused()).toContain(`${rows.at(-2)?.label}: `);
    // It is the one row that the Tab key stops at: from here it leads out.
    const reached = page.getByRole("region", { name: "Waterfall" }).locator('[role="listitem"][tabindex="0"]');
    await expect.poll(() => reached.getAttribute("aria-label"), POLLED).toBe(await focused());
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("As a table");
    const lines = page.getByRole("region", { name: "Log of this request" });
    await lines.getByText(`REPORT RequestId: ${requestId}`).waitFor();
    expect(await lines.getByText("RequestId: ").count()).toBe(await lines.getByText(requestId).count());
    if (process.env["PICTURES"] !== undefined) await takePictures(page);
    await page.getByRole("link", { name: "its other invocations" }).click();
    await page.getByRole("link", { name: "Compare" }).click();
    const starts = page.getByRole("region", { name: `Cold starts of ${name}` });
    await starts.getByRole("row").filter({ hasText: "version 1, restored" }).waitFor();
    await page.getByRole("img", { name: /version 1, restored: median [\d.]+ m?s/ }).waitFor();
    expect(await page.locator("svg.starts circle").count()).toBeGreaterThanOrEqual(2);
    await page.goBack();
    await page.getByRole("row").filter({ hasText: requestId }).waitFor();
    expect(new URL(page.url()).searchParams.get("environment")).toBe(details.environmentId);
    await page.getByLabel("Outcome").selectOption("error");
    await page.getByText("There was no invocation").waitFor();
  });
});

describe("an event to begin with", () => {
  it("is loaded when it is chosen, with the account and region of the login, and sent", async () => {
    const page = await browser.login(server, "admin", `f/${name}/test`);
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.getByLabel("Event from").selectOption("SQS");
    const arn = `arn:aws:sqs:us-east-1:${(await asked<{ accountId: string }>(page, "console/session")).accountId}:queue`;
    await expect.poll(() => page.getByLabel("Event (JSON)").inputValue(), POLLED).toContain(arn);
    expect(requests.filter((url) => url.endsWith(".js"))).toHaveLength(1);
    await page.getByRole("button", { name: "Invoke" }).click();
    await page
      .getByRole("region", { name: /^Answer of/ })
      .getByText(arn)
      .waitFor();
  });
});

describe("a saved event", () => {
  it("is kept by the server, chosen, changed and deleted", async () => {
    const page = await browser.login(server, "admin", `f/${name}/test`);
    const saved = page.getByRole("group", { name: "Saved events" }).getByRole("combobox");
    await page.getByLabel("Event (JSON)").fill('{"saved": true}');
    await page.getByLabel("Name", { exact: true }).fill("mine");
    await page.getByRole("button", { name: "Save the event as mine" }).click();
    await page.getByText("mine is saved").waitFor();
    await page.getByLabel("Event (JSON)").fill("{}");
    await page.reload();
    await saved.selectOption("mine");
    await expect.poll(() => page.getByLabel("Event (JSON)").inputValue(), POLLED).toBe('{"saved": true}');
    await page.getByRole("button", { name: "Invoke" }).click();
    await page
      .getByRole("region", { name: /^Answer of/ })
      .getByText('"saved": true')
      .waitFor();
    await page.getByRole("button", { name: "Delete the event mine" }).click();
    await page.getByText("mine is deleted").waitFor();
    await expect.poll(() => saved.locator("option").allTextContents(), POLLED).toEqual(["none"]);
  });
});

describe("a prime event", () => {
  it("is sent as others are, and an event is written as one for the template", async () => {
    const page = await browser.login(server, "admin", `f/${name}/test`);
    const primes = page.getByRole("group", { name: "Prime events" });
    await primes.getByText("of version 1, 2 times each").waitFor();
    await primes.getByRole("combobox").selectOption({ label: '1: {"primed":true}' });
    await page.getByRole("button", { name: "Invoke" }).click();
    await page
      .getByRole("region", { name: /^Answer of/ })
      .getByText('"primed": true')
      .waitFor();
    await primes.getByRole("button", { name: "Make this event one" }).click();
    await primes.getByText('- {"primed":true}').waitFor();
  });
});

describe("what was deployed, checked and counted", () => {
  it("is a stack with its resources, events and outputs, of which only web addresses are links", async () => {
    const page = await browser.login(server, "read", "stacks");
    await page.getByRole("link", { name: STACK }).click();
    await heading(page, STACK).waitFor();
    const resources = page.getByRole("region", { name: `Resources of ${STACK}` });
    await resources.getByText("AWS::SSM::Parameter").waitFor();
    await page
      .getByRole("region", { name: `Events of ${STACK}` })
      .getByText("CREATE_COMPLETE")
      .first()
      .waitFor();
    await page.getByRole("link", { name: "http://localhost/somewhere" }).waitFor();
    await page.getByText("javascript:alert(1)").waitFor();
    expect(await page.getByRole("link", { name: /javascript/ }).count()).toBe(0);
    await page.getByRole("button", { name: `Show the differences of ${CHANGES}` }).click();
    const differences = page.getByRole("region", { name: `Differences of ${CHANGES}` });
    await differences.getByText("Modify").waitFor();
    await differences.getByText("Value", { exact: true }).waitFor();
    // Properties are those of functions, too, with values that a read-only login must not see.
    expect(await page.content()).not.toMatch(/bold|<i>louder|&lt;i/);
    const answers = await page.evaluate(async (stack) => {
      const headers = {
        authorization: `Bearer ${localStorage.getItem("thaw-console-token")}`,
        "content-type": "application/x-www-form-urlencoded",
      };
      const body = (action: string): string => `Action=${action}&StackName=${stack}&Version=2010-05-15`;
      const ask = async (action: string): Promise<string> =>
        (await fetch("/_thaw/console/api/cloudformation/", { method: "POST", headers, body: body(action) })).text();
      return `${await ask("DescribeStackEvents")} ${await ask("DescribeStacks")} ${await ask("ListStackResources")}`;
    }, STACK);
    expect(answers).toContain("CREATE_COMPLETE");
    expect(answers).not.toContain("bold");
  });

  it("is what a change set changes, with its values for an admin", async () => {
    const page = await browser.login(server, "admin", `stacks/${STACK}?changes=${CHANGES}`);
    const differences = page.getByRole("region", { name: `Differences of ${CHANGES}` });
    await differences.locator("del", { hasText: "<b>bold</b>" }).waitFor();
    await differences.locator("ins", { hasText: "<i>louder</i>" }).waitFor();
  });

  it("is a check of a version, and the minutes of a function", async () => {
    const page = await browser.login(server, "admin", `f/${name}/check`);
    await page.getByRole("button", { name: "Run check" }).click();
    const report = page.getByRole("region", { name: `Check of ${name}:1` });
    await report.getByText("What this check does not see").waitFor({ timeout: CHECK_MS_MAX });
    expect(await report.getByRole("region", { name: "The check before" }).count()).toBe(0);
    await page.getByRole("button", { name: "Run check" }).click();
    await report.getByRole("region", { name: "The check before" }).waitFor({ timeout: CHECK_MS_MAX });
    await report
      .getByText(/, before [\d.]+ m?s$/)
      .first()
      .waitFor();
    await page.getByRole("link", { name: "Metrics" }).click();
    await page.getByRole("img", { name: /^Invocations, .* Most in a minute: [1-9]/ }).waitFor();
    await page.getByRole("img", { name: /^Restore: .* Most in a minute: [1-9]/ }).waitFor();
  });
});

describe("a read-only login", () => {
  it("sees everything but values, has no buttons that act, and is refused by the server besides", async () => {
    const page = await browser.login(server, "read", `f/${name}/versions`);
    await page.getByRole("button", { name: `Verify ${name}:1` }).waitFor();
    expect(await page.getByRole("button", { name: /Publish|Delete|Point|Stop|Invoke/ }).count()).toBe(0);
    await page.getByRole("link", { name: "Configuration" }).click();
    await page.getByText("value hidden from a read-only login").waitFor();
    expect(await page.content()).not.toContain("hunter2");
    const asked = await page.evaluate(async (path) => {
      const headers = { authorization: `Bearer ${localStorage.getItem("thaw-console-token")}` };
      const invoked = await fetch(`${path}/invocations`, { method: "POST", headers, body: "{}" });
      const stopped = await fetch("/_thaw/v1/environments/stop", { method: "POST", headers, body: "{}" });
      const read = await fetch(path, { headers });
      return { invoked: invoked.status, stopped: stopped.status, read: await read.text() };
    }, `/_thaw/console/api/lambda/2015-03-31/functions/${name}`);
    expect(asked).toMatchObject({ invoked: 403, stopped: 403 });
    expect(asked.read).toContain("PASSWORD");
    expect(asked.read).not.toMatch(/hunter2|Location/);
  });
});

describe("a page of elsewhere", () => {
  it("reads nothing, does nothing, and shows nothing of the console", async () => {
    const evil = createServer((_request, response) =>
      response.setHeader("content-type", "text/html").end("<!doctype html><title>evil</title><body></body>"),
    );
    evil.listen(ports[1], "127.0.0.1");
    await once(evil, "listening");
    const victim = await browser.login(server);
    const token = await victim.evaluate(() => localStorage.getItem("thaw-console-token") ?? "");
    const page = await browser.page();
    await page.goto(`http://127.0.0.1:${ports[1]}/`);
    const got = await tryFromElsewhere(page, server.endpoint, token);
    expect(got).toEqual({ reached: [], canSeeOpened: false });
    await victim.reload();
    await heading(victim, "Overview").waitFor();
    browser.problems.splice(0);
    evil.closeAllConnections();
    evil.close();
    await once(evil, "close");
  });
});
