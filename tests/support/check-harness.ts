/** Small functions that are published and checked, on a server of their own, with a host outside. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import type { CheckReport } from "@thaw/thaw-api/check-report";
import type { ExpectStatic } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { type Ran, runThaw } from "./cli.ts";
import { type Files, TestFunctions } from "./functions.ts";
import { Outside } from "./outside.ts";

export type Options = Partial<CreateFunctionCommandInput>;

/** What is shared, how it is found, and the twin that shares nothing. */
export interface CheckCase {
  readonly options: Options;
  readonly found: readonly string[];
  readonly broken: Files;
  readonly fixed: Files;
}

export const PYTHON: Options = { Runtime: "python3.13", Handler: "app.handler" };
export const node = (code: string): Files => ({ "index.mjs": code });
export const python = (code: string): Files => ({ "app.py": code });

export class CheckHarness {
  /** Its address is known before it is open. */
  readonly outside = new Outside();
  readonly scratch = mkdtempSync(join(tmpdir(), "thaw-check-"));
  #server: ThawServer | null = null;
  #functions: TestFunctions | null = null;

  async open(): Promise<void> {
    this.outside.open();
    await this.outside.run(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      join(REPOSITORY, "tests/support/outside-server.ts"),
      "8080",
    ]);
    this.#server = await startThaw();
    this.#functions = new TestFunctions(this.#server);
  }

  async close(): Promise<void> {
    await this.#server?.remove();
    await this.outside.close();
    rmSync(this.scratch, { recursive: true, force: true });
  }

  get functions(): TestFunctions {
    if (this.#functions === null) throw new Error("not open");
    return this.#functions;
  }

  thaw(...args: string[]): Promise<Ran> {
    return runThaw(args, this.functions.server.env);
  }

  async publish(files: Files, options: Options = {}): Promise<string> {
    const name = await this.functions.createSnapStart(files, options);
    return `${name}:${await this.functions.publish(name)}`;
  }

  async check(target: string, event: unknown = {}): Promise<CheckReport & { readonly code: number }> {
    const path = join(this.scratch, "event.json");
    writeFileSync(path, JSON.stringify(event));
    const { stdout, stderr, code } = await this.thaw("check", target, "--event", path, "--json");
    if (code > 1) throw new Error(stderr);
    return { ...(JSON.parse(stdout) as CheckReport), code };
  }

  async try({ options, found, broken, fixed }: CheckCase, expect: ExpectStatic): Promise<void> {
    const bad = await this.check(await this.publish(broken, options));
    expect(idsOf(bad), JSON.stringify(bad, null, 1)).toEqual(found);
    expect(bad).toMatchObject({ code: 1, verdict: { status: "findings" } });
    const good = await this.check(await this.publish(fixed, options));
    expect(good.findings, JSON.stringify(good.findings)).toEqual([]);
    expect(good).toMatchObject({ code: 0, verdict: { status: "good" } });
  }
}

/** Without notes. */
export function idsOf(report: CheckReport): readonly string[] {
  return report.findings.filter((finding) => finding.severity !== "note").map((finding) => finding.id);
}
