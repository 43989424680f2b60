/** GetAccountSettings. */
import { LATEST } from "../../model/function-record.ts";
import type { Concurrency } from "./concurrency.ts";
import type { Out } from "../operations.ts";
import type { ControlServices } from "../services.ts";

export function getAccountSettings(
  services: Pick<ControlServices, "store" | "limits">,
  concurrency: Concurrency,
): Out<"GetAccountSettings"> {
  const functions = services.store.listFunctions();
  let totalCodeSize = 0;
  for (const { name } of functions)
    for (const version of services.store.listVersions(name)) totalCodeSize += version.code.codeSizeBytes;
  return {
    AccountLimit: {
      TotalCodeSize: 80_530_636_800,
      CodeSizeUnzipped: 262_144_000,
      CodeSizeZipped: 52_428_800,
      ConcurrentExecutions: services.limits.concurrencyMax,
      UnreservedConcurrentExecutions: concurrency.unreserved(),
    },
    AccountUsage: {
      TotalCodeSize: totalCodeSize,
      FunctionCount: functions.filter(({ name }) => services.store.getVersion(name, LATEST) !== null).length,
    },
  };
}
