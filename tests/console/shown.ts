/** What the tests of the web console look at: functions, views, and the pictures that are made of one. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { CHANGES, STACK } from "./stack.ts";

export const CODE = {
  "index.mjs": "export const handler = async (event) => ({ got: event });\n",
  "thaw.prime.json": '{"events": [{"primed": true}], "times": 2}',
};

/** Prints what must become text and nothing else. */
export const HOSTILE = `
export const handler = async (event) => {
  if (event.isLong) console.log("top" + "\\n.".repeat(700) + event.mark);
  if (event.isLong) console.log("c" + "\\u0001".repeat(200 * 1024) + event.mark);
  console.log("<img src=x onerror=alert(1)>" + event.mark);
  console.log("\\u001b[31mred\\u001b[0m \\u202eturned \\u0000nul" + event.mark);
  console.log("x".repeat(64 * 1024) + event.mark);
  console.log(JSON.stringify({ level: "WARN", message: "structured" + event.mark, evil: "<b>bold</b>" }));
};
`;

/** Paths of all views; NAME is a function, REQUEST an invocation. */
export const VIEWS = [
  "",
  "logs",
  "environments",
  "snapshots",
  "host",
  "f/NAME",
  "f/NAME/test",
  "f/NAME/logs",
  "f/NAME/versions",
  "f/NAME/compare",
  "f/NAME/configuration",
  "i/REQUEST",
  "nowhere",
  "f/NAME/check",
  "f/NAME/metrics",
  "stacks",
  `stacks/${STACK}?changes=${CHANGES}`,
];

/** For the README and the guide. */
export async function takePictures(page: Page): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(REPOSITORY, `docs/guides/console-${colorScheme}.png`) });
  }
}
