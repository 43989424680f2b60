/** thaw scan PATH|FUNCTION. Exit status 0: nothing found, 1: findings, 2: it could not be done. */
import { PROGRAM } from "@thaw/installation";
import { formatReport } from "@thaw/scan/report";
import type { Severity } from "@thaw/scan/rules";
import { toSarif } from "@thaw/scan/sarif";
import { scan, type ScanOptions } from "@thaw/scan/scan";
import type { DeployedCode } from "@thaw/scan/target";
import type { Connection } from "./connection.ts";
import { fetchPackage } from "./deployed-package.ts";
import { print, printJson } from "./table.ts";

export interface ScanCommandOptions extends ScanOptions {
  readonly sarif?: boolean;
  readonly failOn: Severity;
  readonly json: boolean;
}

const VERSION = "0.1.0";
const RANKS: Readonly<Record<Severity, number>> = { note: 0, warning: 1, error: 2 };

export async function scanCommand(
  connection: () => Connection,
  target: string,
  options: ScanCommandOptions,
): Promise<void> {
  const result = await scan(target, options, (functionName) => fetchDeployed(connection(), functionName));
  for (const problem of result.problems) process.stderr.write(`thaw: ${problem}\n`);
  if (options.sarif === true) printJson(toSarif(result, VERSION));
  else if (options.json) printJson(result);
  else print(formatReport(result));
  const counted = result.findings.filter(
    (finding) => finding.suppression === null && RANKS[finding.severity] >= RANKS[options.failOn],
  );
  process.exitCode = counted.length > 0 ? 1 : 0;
}

async function fetchDeployed(connection: Connection, functionName: string): Promise<DeployedCode> {
  const instead = `Scan its source: ${PROGRAM} scan FOLDER`;
  const { configuration, zip } = await fetchPackage(connection, { FunctionName: functionName }, instead);
  return {
    zip,
    handler: configuration.Handler ?? null,
    runtime: configuration.Runtime ?? null,
    layers: (configuration.Layers ?? []).map(({ Arn = "" }) => Arn),
  };
}
