/** GetAccountSettings. */
import { LATEST } from "../../model/function-record.ts";
import type { Concurrency } from "./concurrency.ts";
import type { Out } from "../operations.ts";
import type { ControlServices } from "../services.ts";

/** Sums up what the account has of AWS's limits, and what this host can really run of them. */
export async function getAccountSettings(
  services: Pick<ControlServices, "store">,
  concurrency: Concurrency,
): Promise<Out<"GetAccountSettings">> {
  const versions = await services.store.listAllVersions();
  let totalCodeSize = 0;
  const layers = await services.store.listAccountEntries("layerVersion");
  for (const { code } of [...versions, ...layers]) totalCodeSize += code.codeSizeBytes;
  return {
    AccountLimit: {
      TotalCodeSize: 80_530_636_800,
      CodeSizeUnzipped: 262_144_000,
      CodeSizeZipped: 52_428_800,
      ConcurrentExecutions: concurrency.accountMax,
      UnreservedConcurrentExecutions: await concurrency.unreserved(),
    },
    AccountUsage: {
      TotalCodeSize: totalCodeSize,
      FunctionCount: versions.filter(({ version }) => version === LATEST).length,
    },
  };
}
