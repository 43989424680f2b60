/** thaw console: logs a browser in to the web console with a code that is good for a minute. */
import { spawn } from "node:child_process";
import type { Connection } from "./connection.ts";
import { print, printJson } from "./table.ts";

export interface ConsoleCommandOptions {
  readonly print?: boolean;
  readonly readOnly?: boolean;
  readonly revoke?: boolean;
  readonly json: boolean;
}

/** Programs that open an address in the person's browser. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { linux: "xdg-open", darwin: "open" };

export async function consoleCommand(connection: Connection, options: ConsoleCommandOptions): Promise<void> {
  if (options.revoke === true) {
    const answer = await connection.thaw.call("revokeConsole", {});
    return options.json ? printJson(answer) : print("all logins of the console have ended\n");
  }
  const role = options.readOnly === true ? "read" : "admin";
  const { path, expiresInS } = await connection.thaw.call("makeConsoleCode", { body: { role } });
  const url = `${connection.endpoint}${path}`;
  if (options.json) return printJson({ url, role, expiresInS });
  if (options.print !== true && (await openBrowser(url, process.env)))
    return print(`opened the console of ${connection.endpoint} in a browser\n`);
  return print(`${url}\nOpen it within ${expiresInS} s; it works once.\n`);
}

/** False where there is no screen, or nothing that opens a browser on it. */
async function openBrowser(url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const opener = OPENERS[process.platform];
  const hasScreen = process.platform !== "linux" || (env["DISPLAY"] ?? env["WAYLAND_DISPLAY"] ?? "") !== "";
  // A browser of root's has no sandbox; and other users could read the code in the list of processes.
  if (opener === undefined || !hasScreen || process.geteuid?.() === 0) return false;
  const child = spawn(opener, [url], { stdio: "ignore" });
  return new Promise((done) => {
    child.once("error", () => done(false));
    child.once("exit", (code) => done(code === 0));
  });
}
