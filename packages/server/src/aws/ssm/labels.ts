/** Labels of versions: a label is at one version at a time. */
import type { OperationTypes } from "@thaw/aws-api/ssm";
import type { ParameterRecord, ParameterVersionInfo } from "../../model/parameter-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { changeEntries } from "../entries.ts";
import { checkRoom, findParameter, findVersion, LABELS_MAX, type SsmParts } from "./context.ts";

const LABEL = /^(?!\d|aws|ssm)[A-Za-z0-9_.-]{1,100}$/i;

export function labelOperations(parts: SsmParts): ServiceOperations<OperationTypes> {
  return {
    LabelParameterVersion: ({ Name, ParameterVersion, Labels }) =>
      changeEntries(parts.store, "TooManyUpdates", async () => {
        const over = await findParameter(parts, Name);
        const { version } = findVersion(over, ParameterVersion === undefined ? "" : `:${ParameterVersion}`);
        const right = Labels.filter((label) => LABEL.test(label));
        const versions = over.versions.map((each) => {
          const others = each.labels.filter((label) => !right.includes(label));
          return { ...each, labels: each.version === version ? [...others, ...right] : others };
        });
        const labelled = versions.find((each) => each.version === version);
        if ((labelled?.labels.length ?? 0) > LABELS_MAX)
          throw new ServiceError(
            "ParameterVersionLabelLimitExceeded",
            `A version can have ${LABELS_MAX} labels at most.`,
          );
        const InvalidLabels = Labels.filter((label) => !right.includes(label));
        return { writes: [await put(parts, over, versions)], result: { InvalidLabels, ParameterVersion: version } };
      }),
    UnlabelParameterVersion: ({ Name, ParameterVersion, Labels }) =>
      changeEntries(parts.store, "TooManyUpdates", async () => {
        const over = await findParameter(parts, Name);
        const { labels } = findVersion(over, `:${ParameterVersion}`);
        const RemovedLabels = Labels.filter((label) => labels.includes(label));
        const versions = over.versions.map((each) => ({
          ...each,
          labels: each.labels.filter((label) => !RemovedLabels.includes(label)),
        }));
        const InvalidLabels = Labels.filter((label) => !RemovedLabels.includes(label));
        return { writes: [await put(parts, over, versions)], result: { RemovedLabels, InvalidLabels } };
      }),
  };
}

async function put(
  parts: SsmParts,
  over: Awaited<ReturnType<typeof findParameter>>,
  versions: readonly ParameterVersionInfo[],
): Promise<Write> {
  const record: ParameterRecord = { ...over, versions };
  await checkRoom(parts, "ssmParameter", over, record);
  return { op: "put", kind: "ssmParameter", record, over };
}
