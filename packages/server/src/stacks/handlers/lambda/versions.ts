/** AWS::Lambda::Version and AWS::Lambda::Alias */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { CallInput } from "../../../ports/service-calls.ts";
import { describeType } from "../describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "../handler.ts";
import { GONE, isChanged, isRefusal, pick, textOf } from "../own.ts";
import { unless } from "../values.ts";

/** What is provisioned becomes ready without a commit. */
const PROVISIONED_EVERY_MS = 500;

export const VERSION: Handler = {
  type: describeType("AWS::Lambda::Version", { without: ["FunctionScalingConfig"] }),

  async create(properties, context) {
    const { services } = context;
    const functionName = properties["FunctionName"];
    const before = await newestVersion(functionName, context);
    const input = pick(properties, ["FunctionName", "CodeSha256", "Description"]);
    const published = await services.call("lambda", "PublishVersion", input);
    const version = textOf(published["Version"]);
    const arn = textOf(published["FunctionArn"]);
    // AWS gives the version that is there where nothing has changed since; after a crash it may be this one.
    if (Number(version) <= before && !context.isRetry)
      throw new HandlerError(
        `A version for this Lambda function exists ( ${version} ). Modify the function to create a new version.`,
      );
    try {
      await untilActive(functionName, version, context);
      const runtime = properties["RuntimePolicy"];
      if (isTemplateMap(runtime))
        await services.call("lambda", "PutRuntimeManagementConfig", {
          FunctionName: functionName,
          Qualifier: version,
          ...runtime,
        });
      await provision({ FunctionName: functionName, Qualifier: version }, {}, properties, context);
    } catch (error) {
      throw new HandlerError((error as Error).message, arn);
    }
    return { physicalId: arn, attributes: { Version: version, FunctionArn: arn } };
  },

  // Nothing of it can be changed.
  update: async ({ physicalId, attributes }) => ({ physicalId, attributes }),

  async remove({ physicalId }, { services }) {
    await unless(GONE, services.call("lambda", "DeleteFunction", { FunctionName: physicalId }));
  },
};

export const ALIAS: Handler = {
  type: describeType("AWS::Lambda::Alias"),

  async create(properties, context) {
    const { services } = context;
    const input = aliasInput(properties);
    let alias: Awaited<ReturnType<typeof services.call>>;
    try {
      alias = await services.call("lambda", "CreateAlias", input);
    } catch (error) {
      // Made before a crash: nobody else makes it between a try and the next one.
      if (!context.isRetry || !isRefusal(error, "ResourceConflictException")) throw error;
      alias = await services.call("lambda", "UpdateAlias", input);
    }
    const made = aliasMade(textOf(alias["AliasArn"]));
    try {
      await provision(provisionedOf(properties), {}, properties, context);
    } catch (error) {
      throw new HandlerError((error as Error).message, made.physicalId);
    }
    return made;
  },

  async update({ physicalId, properties: before }, properties, context) {
    // A description and weights that went are taken back.
    await context.services.call("lambda", "UpdateAlias", {
      Description: "",
      RoutingConfig: { AdditionalVersionWeights: {} },
      ...aliasInput(properties),
    });
    await provision(provisionedOf(properties), before, properties, context);
    return aliasMade(physicalId);
  },

  async remove({ physicalId }, { services }) {
    const { name, qualifier } = partsOf(physicalId);
    await unless(GONE, services.call("lambda", "DeleteAlias", { FunctionName: name, Name: qualifier }));
  },
};

function aliasInput(properties: TemplateMap): CallInput {
  const routing = properties["RoutingConfig"];
  return {
    ...pick(properties, ["FunctionName", "Name", "FunctionVersion", "Description"]),
    ...(isTemplateMap(routing)
      ? { RoutingConfig: { AdditionalVersionWeights: weightsOf(routing["AdditionalVersionWeights"]) } }
      : {}),
  };
}

function weightsOf(given: TemplateValue | undefined): Readonly<Record<string, TemplateValue>> {
  const list = isTemplateList(given) ? given.filter(isTemplateMap) : [];
  return Object.fromEntries(
    list.map((each) => [String(each["FunctionVersion"]), each["FunctionWeight"] ?? null] as const),
  );
}

function aliasMade(arn: string): Made {
  return { physicalId: arn, attributes: { AliasArn: arn } };
}

function provisionedOf(properties: TemplateMap): CallInput {
  return { FunctionName: properties["FunctionName"], Qualifier: properties["Name"] };
}

/** Waits until all of it is ready. */
async function provision(
  of: CallInput,
  before: TemplateMap,
  after: TemplateMap,
  { services, until }: HandlerContext,
): Promise<void> {
  if (!isChanged(before, after, ["ProvisionedConcurrencyConfig"])) return;
  const config = after["ProvisionedConcurrencyConfig"];
  if (!isTemplateMap(config)) {
    await unless(GONE, services.call("lambda", "DeleteProvisionedConcurrencyConfig", of));
    return;
  }
  await services.call("lambda", "PutProvisionedConcurrencyConfig", { ...of, ...config });
  const status = await until(async () => {
    const found = await services.call("lambda", "GetProvisionedConcurrencyConfig", of);
    return found["Status"] === "IN_PROGRESS" ? null : found;
  }, PROVISIONED_EVERY_MS);
  if (status["Status"] === "FAILED") throw new HandlerError(textOf(status["StatusReason"]));
}

/** Of a version with SnapStart: until its snapshot is there. */
async function untilActive(functionName: unknown, version: string, { services, until }: HandlerContext): Promise<void> {
  const found = await until(async () => {
    const of = { FunctionName: functionName, Qualifier: version };
    const config = await services.call("lambda", "GetFunctionConfiguration", of);
    return config["State"] === "Pending" ? null : config;
  });
  if (found["State"] === "Failed") throw new HandlerError(failureOf(found));
}

/** The reason is the same whatever went wrong in Init, so the log group is named, which outlives a rollback. */
function failureOf({ StateReason: reason, StateReasonCode: code, LoggingConfig: logging }: CallInput): string {
  const { LogGroup: group } = (logging ?? {}) as CallInput;
  if (!textOf(code).startsWith("FunctionError") || group === undefined) return textOf(reason);
  return `${textOf(reason)} Its log says why: aws logs tail ${textOf(group)}`;
}

/** 0: there is none. */
async function newestVersion(functionName: unknown, { services }: HandlerContext): Promise<number> {
  let newest = 0;
  let marker: unknown;
  do {
    const page = await services.call("lambda", "ListVersionsByFunction", {
      FunctionName: functionName,
      ...(marker === undefined ? {} : { Marker: marker }),
    });
    for (const { Version: version } of page["Versions"] as ReadonlyArray<{ readonly Version: string }>)
      if (version !== "$LATEST") newest = Math.max(newest, Number(version));
    marker = page["NextMarker"];
  } while (marker !== undefined);
  return newest;
}

/** `…:function:NAME:QUALIFIER` */
function partsOf(arn: string): { readonly name: string; readonly qualifier: string } {
  const parts = arn.split(":");
  return { name: parts.slice(0, 7).join(":"), qualifier: parts[7] ?? "" };
}
