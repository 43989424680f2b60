/** Publishes a version of a layer, where the newest one is not what the template has. */
import {
  DeleteLayerVersionCommand,
  GetLayerVersionCommand,
  type GetLayerVersionResponse,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  type PublishLayerVersionCommandInput,
} from "@aws-sdk/client-lambda";
import { CommandError } from "@thaw/installation/command-error";
import type { PlannedLayer } from "@thaw/template/planned";
import type { Connection } from "../connection.ts";
import { packageCode } from "./package-code.ts";
import type { Progress } from "./publish.ts";
import { objectCode, type PreparedCode, sendZip } from "./send-code.ts";

/** Gives the number of the version. */
export async function applyLayer(
  connection: Connection,
  planned: PlannedLayer,
  baseDir: string,
  progress: Progress,
): Promise<string> {
  const code = await prepareContent(connection, planned, baseDir);
  const newest = await findNewest(connection, planned.name);
  if (newest !== null && newest.Content?.CodeSha256 === code.sha256 && isLike(newest, planned))
    return report(planned, newest, "is as it was", progress);
  const published = await connection.lambda.send(
    new PublishLayerVersionCommand({
      ...planned.config,
      LayerName: planned.name,
      Content: code.members,
    } as PublishLayerVersionCommandInput),
  );
  // What an object holds is known only now.
  if (newest === null || newest.Content?.CodeSha256 !== published.Content?.CodeSha256 || !isLike(newest, planned))
    return report(planned, published, "is published", progress);
  await connection.lambda.send(
    new DeleteLayerVersionCommand({ LayerName: planned.name, VersionNumber: published.Version }),
  );
  return report(planned, newest, "is as it was", progress);
}

function report(
  { name }: PlannedLayer,
  { Version }: GetLayerVersionResponse,
  what: string,
  progress: Progress,
): string {
  progress(`${name}: version ${Version} of the layer ${what}`);
  return String(Version);
}

async function prepareContent(
  connection: Connection,
  { name, code }: PlannedLayer,
  baseDir: string,
): Promise<PreparedCode> {
  if (code.kind === "object") return objectCode(code);
  if (code.kind === "inline" || code.kind === "image")
    throw new CommandError(`${name}: a layer is made of a folder, a zip or an object`);
  return sendZip(connection, await packageCode(baseDir, code.path));
}

/** Null where the layer has no version. */
async function findNewest(connection: Connection, name: string): Promise<GetLayerVersionResponse | null> {
  const listed = await connection.lambda.send(new ListLayerVersionsCommand({ LayerName: name, MaxItems: 1 }));
  const version = listed.LayerVersions?.[0]?.Version;
  if (version === undefined) return null;
  return connection.lambda.send(new GetLayerVersionCommand({ LayerName: name, VersionNumber: version }));
}

function isLike(found: GetLayerVersionResponse, { config }: PlannedLayer): boolean {
  const { Description, LicenseInfo, CompatibleRuntimes, CompatibleArchitectures } = found;
  const wanted = [
    config["Description"] ?? "",
    config["LicenseInfo"],
    config["CompatibleRuntimes"],
    config["CompatibleArchitectures"],
  ];
  return (
    JSON.stringify([Description, LicenseInfo, CompatibleRuntimes, CompatibleArchitectures]) === JSON.stringify(wanted)
  );
}
