/** Layers: their records, their names, and what a function keeps of those that it was given. */
import { createHash } from "node:crypto";
import { ApiError, notFound } from "./api-error.ts";
import type { CodeInfo } from "./code-info.ts";
import type { AccountScope } from "./function-name.ts";

/** A layer by its name. It stays when its versions are deleted, because no number is given twice. */
export interface LayerRecord {
  /** The layer's name. */
  readonly id: string;
  readonly lastVersion: number;
}

/** One statement of the policy of a layer's version. */
export interface LayerStatement {
  readonly id: string;
  /** AWS has one: `lambda:GetLayerVersion`. */
  readonly action: string;
  /** `*`, an account's number, or the ARN of an account's root. */
  readonly principal: string;
  /** Null: not only for one organization. */
  readonly organizationId: string | null;
}

/** One version of a layer. Nothing but its policy ever changes. */
export interface LayerVersionRecord {
  /** `NAME:VERSION`. */
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly createdAtMs: number;
  /** Null where the publisher gave none; the same for the two lists. */
  readonly licenseInfo: string | null;
  readonly compatibleRuntimes: readonly string[] | null;
  readonly compatibleArchitectures: readonly string[] | null;
  readonly code: CodeInfo;
  readonly policy: readonly LayerStatement[];
  /** Revision of the policy. */
  readonly revisionId: string;
}

/** A layer as a function has it: resolved once, so that the function keeps a layer that is deleted. */
export interface FunctionLayer {
  /** ARN of the layer's version. */
  readonly arn: string;
  /** Name of the layer's unpacked content. */
  readonly codeName: string;
  readonly codeSizeBytes: number;
}

export function layerArn(scope: AccountScope, name: string): string {
  return `arn:aws:lambda:${scope.region}:${scope.accountId}:layer:${name}`;
}

export function layerVersionArn(scope: AccountScope, name: string, version: number): string {
  return `${layerArn(scope, name)}:${version}`;
}

export function layerVersionId(name: string, version: number): string {
  return `${name}:${version}`;
}

/** Parts of the ARN of a layer or of one of its versions. */
export interface LayerArnParts extends AccountScope {
  readonly name: string;
  /** Null where the ARN is the layer's own. */
  readonly version: number | null;
}

const ARN = /^arn:[a-zA-Z0-9-]+:lambda:([a-z0-9-]+):(\d{12}):layer:([a-zA-Z0-9-_]+)(?::(\d{1,15}))?$/;

/** Null where it is no such ARN: one of AWS's own (`:::awslayer:`), or a number that none can have. */
export function parseLayerArn(text: string): LayerArnParts | null {
  const match = ARN.exec(text);
  if (match === null) return null;
  const [, region = "", accountId = "", name = "", version] = match;
  return { region, accountId, name, version: version === undefined ? null : Number(version) };
}

/**
 * Reads a layer's name, which may be its ARN. Throws an AccessDeniedException for another account's, and a
 * ResourceNotFoundException for another region's.
 *
 * @param text - Has passed the model's pattern.
 */
export function parseLayerName(scope: AccountScope, text: string): string {
  if (!text.includes(":")) return text;
  const parts = parseLayerArn(text);
  if (parts === null) throw notFound(`The layer '${text}' does not exist.`);
  checkReach(scope, parts, text);
  return parts.name;
}

/** Throws as `parseLayerName` does. */
export function checkReach(scope: AccountScope, { region, accountId }: AccountScope, arn: string): void {
  if (accountId !== scope.accountId) throw accessDenied(scope, arn);
  if (region !== scope.region)
    throw notFound(`Layers from '${region}' are not reachable in this region ('${scope.region}')`);
}

/** AWS's words where the owner of a layer has not shared it, or has no such layer. */
export function accessDenied(scope: AccountScope, arn: string): ApiError {
  return new ApiError(
    "AccessDeniedException",
    `User: arn:aws:iam::${scope.accountId}:root is not authorized to perform: lambda:GetLayerVersion on resource: ${arn} because no resource-based policy allows the lambda:GetLayerVersion action`,
  );
}

/** Counts up when layers are merged in another way, so that what was merged before is not taken for it. */
const MERGE_FORMAT = 1;

/** Name of the directory that a function's layers are merged into; null without layers. */
export function optNameOf(layers: ReadonlyArray<Pick<FunctionLayer, "codeName">>): string | null {
  if (layers.length === 0) return null;
  const text = JSON.stringify([MERGE_FORMAT, ...layers.map(({ codeName }) => codeName)]);
  return `opt-${createHash("sha256").update(text).digest("hex").slice(0, 40)}`;
}
