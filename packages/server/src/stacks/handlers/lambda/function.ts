/** AWS::Lambda::Function */
import { LAMBDA } from "@thaw/aws-api/lambda";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { RUNNABLE_RUNTIMES } from "../../../model/runnable-runtimes.ts";
import type { CallOutput } from "../../../ports/service-calls.ts";
import { describeType } from "../describe-type.ts";
import { type Existing, type Handler, type HandlerContext, HandlerError, type Made } from "../handler.ts";
import { GONE, isChanged, isOwn, isRefusal, pick, tagChanges, tagsOf, textOf } from "../own.ts";
import { unless } from "../values.ts";
import { codeOf } from "./code.ts";

const NAME_LENGTH_MAX = 64;
/** Named as the API names them, but for KmsKeyArn. */
const CONFIG = [
  "Role",
  "Handler",
  "Runtime",
  "Description",
  "Timeout",
  "MemorySize",
  "Environment",
  "VpcConfig",
  "DeadLetterConfig",
  "TracingConfig",
  "SnapStart",
  "FileSystemConfigs",
  "EphemeralStorage",
  "Layers",
  "LoggingConfig",
  "ImageConfig",
];
const CODE = ["Code", "Architectures"];
const FOR_CREATION = ["PackageType", "Architectures", "CodeSigningConfigArn"];
/** What a function is without the property: an update that leaves it out goes back to that. */
const DEFAULTS: Readonly<Record<string, (name: string) => unknown>> = {
  Description: () => "",
  Timeout: () => 3,
  MemorySize: () => 128,
  Environment: () => ({ Variables: {} }),
  VpcConfig: () => ({ SubnetIds: [], SecurityGroupIds: [] }),
  DeadLetterConfig: () => ({ TargetArn: "" }),
  TracingConfig: () => ({ Mode: "PassThrough" }),
  SnapStart: () => ({ ApplyOn: "None" }),
  FileSystemConfigs: () => [],
  EphemeralStorage: () => ({ Size: 512 }),
  Layers: () => [],
  LoggingConfig: (name) => ({ LogFormat: "Text", LogGroup: `/aws/lambda/${name}` }),
  ImageConfig: () => ({}),
  KmsKeyArn: () => "",
};

/** Of any year: AWS itself no longer takes some. */
const AWS_RUNTIMES = LAMBDA.shapes["Runtime"]?.enum ?? [];
const WITHOUT_RUNTIME = `functions can have ${RUNNABLE_RUNTIMES.join(", ")}, or be images`;

export const FUNCTION: Handler = {
  type: describeType("AWS::Lambda::Function", {
    without: [
      "CapacityProviderConfig",
      "DurableConfig",
      "FunctionScalingConfig",
      "PublishToLatestPublished",
      "TenancyConfig",
    ],
    lacksValues: {
      Architectures: {
        arm64: "hosts are x86_64; as x86_64 a package without programs of its own runs as well",
      },
      Runtime: Object.fromEntries(
        AWS_RUNTIMES.filter((each) => !RUNNABLE_RUNTIMES.includes(each)).map((each) => [each, WITHOUT_RUNTIME]),
      ),
    },
  }),

  async create(properties, context) {
    const given = properties["FunctionName"];
    const name = given === undefined ? context.makeName(NAME_LENGTH_MAX) : String(given);
    const input = {
      FunctionName: name,
      ...configOf(properties),
      ...pick(properties, FOR_CREATION),
      Code: await codeOf(properties),
      Tags: tagsOf(properties["Tags"], context),
    };
    await createOnce(name, input, context);
    try {
      await untilSettled(name, context);
      await putSettings(name, {}, properties, context);
    } catch (error) {
      throw new HandlerError((error as Error).message, name);
    }
    return madeOf(name, context);
  },

  async update({ physicalId: name, properties: before }: Existing, properties, context) {
    const { services } = context;
    // A rollback finds functions whose updates it has cut off: they go on, and others are refused meanwhile.
    await whenSettled(name, context);
    if (isChanged(before, properties, CODE) || isChanged(before, properties, ["Runtime"])) {
      const code = await codeOf(properties);
      const isText = isTemplateMap(properties["Code"]) && properties["Code"]["ZipFile"] !== undefined;
      // Of a change of the runtime alone the code is the same, unless its file is called otherwise.
      if (isChanged(before, properties, CODE) || isText)
        await services.call("lambda", "UpdateFunctionCode", {
          FunctionName: name,
          ...code,
          ...pick(properties, ["Architectures"]),
        });
      await untilSettled(name, context);
    }
    if (isChanged(before, properties, [...CONFIG, "KmsKeyArn"])) {
      await services.call("lambda", "UpdateFunctionConfiguration", {
        FunctionName: name,
        ...defaultsOf(name, before, properties),
        ...configOf(properties),
      });
      await untilSettled(name, context);
    }
    await putTags(name, properties, context);
    await putSigning(name, before, properties, context);
    await putSettings(name, before, properties, context);
    return madeOf(name, context);
  },

  async remove({ physicalId: name }, { services }) {
    await unless(GONE, services.call("lambda", "DeleteFunction", { FunctionName: name }));
  },
};

/** A function that is there and bears this resource's tags was made before a crash. */
async function createOnce(name: string, input: CallOutput, context: HandlerContext): Promise<void> {
  try {
    await context.services.call("lambda", "CreateFunction", input);
  } catch (error) {
    if (!isRefusal(error, "ResourceConflictException") || !context.isRetry) throw error;
    const found = await context.services.call("lambda", "GetFunction", { FunctionName: name });
    if (!isOwn(found["Tags"], context)) throw error;
  }
}

function configOf(properties: TemplateMap): CallOutput {
  const key = properties["KmsKeyArn"];
  return { ...pick(properties, CONFIG), ...(key === undefined ? {} : { KMSKeyArn: key }) };
}

/** Of what was there and is not any more. */
function defaultsOf(name: string, before: TemplateMap, after: TemplateMap): CallOutput {
  return Object.fromEntries(
    Object.entries(DEFAULTS).flatMap(([property, make]) =>
      before[property] === undefined || after[property] !== undefined
        ? []
        : [[property === "KmsKeyArn" ? "KMSKeyArn" : property, make(name)] as const],
    ),
  );
}

/** Gives the configuration of a function once nothing of it is being made or changed. */
function whenSettled(name: string, { services, until }: HandlerContext): Promise<CallOutput> {
  return until(async () => {
    const config = await services.call("lambda", "GetFunctionConfiguration", { FunctionName: name });
    return config["State"] === "Pending" || config["LastUpdateStatus"] === "InProgress" ? null : config;
  });
}

/** Waits for a function that is being made or changed. Throws HandlerError where that has failed. */
async function untilSettled(name: string, context: HandlerContext): Promise<void> {
  const found = await whenSettled(name, context);
  if (found["State"] === "Failed") throw new HandlerError(textOf(found["StateReason"]));
  if (found["LastUpdateStatus"] === "Failed") throw new HandlerError(textOf(found["LastUpdateStatusReason"]));
}

/** Settings that have operations of their own. */
async function putSettings(
  name: string,
  before: TemplateMap,
  after: TemplateMap,
  { services }: HandlerContext,
): Promise<void> {
  const of = { FunctionName: name };
  const reserved = after["ReservedConcurrentExecutions"];
  if (isChanged(before, after, ["ReservedConcurrentExecutions"])) {
    if (reserved === undefined) await unless(GONE, services.call("lambda", "DeleteFunctionConcurrency", of));
    else await services.call("lambda", "PutFunctionConcurrency", { ...of, ReservedConcurrentExecutions: reserved });
  }
  if (isChanged(before, after, ["RecursiveLoop"]))
    await services.call("lambda", "PutFunctionRecursionConfig", {
      ...of,
      RecursiveLoop: after["RecursiveLoop"] ?? "Terminate",
    });
  if (isChanged(before, after, ["RuntimeManagementConfig"])) {
    const given = after["RuntimeManagementConfig"];
    const config = isTemplateMap(given) ? given : { UpdateRuntimeOn: "Auto" };
    await services.call("lambda", "PutRuntimeManagementConfig", { ...of, ...config });
  }
}

async function putTags(name: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { services } = context;
  const found = await services.call("lambda", "GetFunction", { FunctionName: name });
  const { set, gone } = tagChanges(found["Tags"], tagsOf(properties["Tags"], context));
  const arn = arnOf(found["Configuration"] as CallOutput);
  if (Object.keys(set).length > 0) await services.call("lambda", "TagResource", { Resource: arn, Tags: set });
  if (gone.length > 0) await services.call("lambda", "UntagResource", { Resource: arn, TagKeys: gone });
}

async function putSigning(
  name: string,
  before: TemplateMap,
  after: TemplateMap,
  { services }: HandlerContext,
): Promise<void> {
  if (!isChanged(before, after, ["CodeSigningConfigArn"])) return;
  const arn = after["CodeSigningConfigArn"];
  const of = { FunctionName: name };
  if (arn === undefined) await unless(GONE, services.call("lambda", "DeleteFunctionCodeSigningConfig", of));
  else await services.call("lambda", "PutFunctionCodeSigningConfig", { ...of, CodeSigningConfigArn: arn });
}

async function madeOf(name: string, { services }: HandlerContext): Promise<Made> {
  const config = await services.call("lambda", "GetFunctionConfiguration", { FunctionName: name });
  const { ApplyOn = "None", OptimizationStatus = "Off" } = (config["SnapStart"] ?? {}) as Record<string, string>;
  return {
    physicalId: name,
    attributes: {
      Arn: arnOf(config),
      SnapStartResponse: { ApplyOn, OptimizationStatus },
      "SnapStartResponse.ApplyOn": ApplyOn,
      "SnapStartResponse.OptimizationStatus": OptimizationStatus,
    },
  };
}

function arnOf(config: CallOutput): string {
  return textOf(config["FunctionArn"]);
}
