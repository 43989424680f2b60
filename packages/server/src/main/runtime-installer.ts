/**
 * The server's side of `--install-runtimes on-use`: it asks the helper, which is root, for a runtime by its name, over
 * a socket that the launcher gave to both (runtime-installs.ts; design 0025).
 */
import { Socket } from "node:net";
import { installName } from "@thaw/installation/installable";
import { onLines } from "../base/lines.ts";
import type { RuntimeInstaller } from "../ports/runtime-installer.ts";
import { UsageError } from "./options/usage-error.ts";
import type { InstallReply } from "./runtime-installs.ts";

/** Null where nothing is to be installed. Throws a UsageError where there is nobody who could. */
export function connectInstaller(
  installRuntimes: "on-use" | "never",
  env: Readonly<Record<string, string | undefined>>,
): RuntimeInstaller | null {
  if (installRuntimes === "never") return null;
  const fd = env["THAW_INSTALLER_FD"];
  if (fd === undefined || !/^\d{1,3}$/.test(fd))
    throw new UsageError(
      "--install-runtimes on-use needs a thaw serve that root started: it is the launcher who installs",
    );
  return new LauncherInstaller(new Socket({ fd: Number(fd) }));
}

interface Waiter {
  readonly resolve: (problem: string | null) => void;
  readonly reject: (error: Error) => void;
}

class LauncherInstaller implements RuntimeInstaller {
  readonly #socket: Socket;
  /** Those who wait for an answer, by the name that was asked for. */
  readonly #waiters = new Map<string, Waiter[]>();
  #isLost = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    // It is no reason to stay.
    socket.unref();
    onLines(socket, (line) => this.#heard(JSON.parse(line) as InstallReply));
    socket.on("error", () => this.#lose());
    socket.on("close", () => this.#lose());
  }

  canInstall(runtime: string): boolean {
    return installName(runtime) !== null;
  }

  install(runtime: string): Promise<string | null> {
    const name = installName(runtime);
    if (name === null) return Promise.resolve("it is not one of those that can be");
    if (this.#isLost) return Promise.reject(new Error("the launcher is gone"));
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(name);
      if (waiters !== undefined) waiters.push({ resolve, reject });
      else {
        this.#waiters.set(name, [{ resolve, reject }]);
        this.#socket.write(`${name}\n`);
      }
    });
  }

  #heard({ name, problem }: InstallReply): void {
    const waiters = this.#waiters.get(name) ?? [];
    this.#waiters.delete(name);
    for (const { resolve } of waiters) resolve(problem);
  }

  #lose(): void {
    this.#isLost = true;
    const waiters = [...this.#waiters.values()].flat();
    this.#waiters.clear();
    for (const { reject } of waiters) reject(new Error("the launcher is gone"));
  }
}
