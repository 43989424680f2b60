/**
 * No member of a request is taken and ignored: over the model, each is either read by its operation, or refused with a
 * sentence.
 */
import { LAMBDA, type OperationName } from "@thaw/aws-api";
import { HONOURED } from "@thaw/server/testing/control";
import { describe, expect, it } from "vitest";
import { ACCESS_POINT } from "../support/access-point.ts";
import { ControlHarness } from "./harness.ts";

type Input = Readonly<Record<string, unknown>>;

/** The paths of all members of an operation's input, down to what is no structure. */
function pathsOf(operation: OperationName): readonly string[] {
  const { input } = LAMBDA.operations[operation];
  return input === null ? [] : membersOf(input, "");
}

function membersOf(shapeName: string, prefix: string): readonly string[] {
  const shape = LAMBDA.shapes[shapeName];
  if (shape?.type === "list") return membersOf(shape.member?.shape ?? "", prefix);
  return Object.entries(shape?.members ?? {}).flatMap(([name, member]) => {
    const below = membersOf(member.shape, `${prefix}${name}.`);
    return below.length > 0 ? below : [`${prefix}${name}`];
  });
}

/** A value with the member at a path, of the kind that its shape wants. */
function withMember(shapeName: string, path: readonly string[]): unknown {
  const shape = LAMBDA.shapes[shapeName];
  const [name, ...rest] = path;
  if (shape?.type === "list") return [name === undefined ? "x" : withMember(shape.member?.shape ?? "", path)];
  if (name !== undefined) return { [name]: withMember(shape?.members?.[name]?.shape ?? "", rest) };
  switch (shape?.type) {
    case "boolean":
      return true;
    case "integer":
    case "long":
    case "double":
      return 7;
    case "map":
      return { x: "y" };
    case "timestamp":
      return new Date(0);
    case "blob":
      return Buffer.from("x");
    default:
      return "x";
  }
}

/** The input, which notes the paths of what is read of it by name; to go over all that is there is no reading. */
function noting(value: unknown, read: Set<string>, prefix = ""): unknown {
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value) || value instanceof Date) return value;
  let enumerated: string | symbol | null = null;
  return new Proxy(value, {
    getOwnPropertyDescriptor(target, name) {
      enumerated = name;
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof name === "symbol" || Array.isArray(target))
        return Array.isArray(target) && typeof member === "object" ? noting(member, read, prefix) : member;
      if (enumerated !== name) read.add(`${prefix}${name}`);
      enumerated = null;
      return noting(member, read, `${prefix}${name}.`);
    },
  });
}

const CODE = { Runtime: "python3.13", Role: "arn:aws:iam::000000000000:role/r", Handler: "a.b" };
const CONFIG = {
  FunctionName: "f",
  ...CODE,
  Description: "d",
  Timeout: 5,
  MemorySize: 256,
  Environment: { Variables: { NAME: "value" } },
  KMSKeyArn: "arn:aws:kms:us-east-1:000000000000:key/k",
  TracingConfig: { Mode: "Active" },
  DeadLetterConfig: { TargetArn: "arn:aws:sqs:us-east-1:000000000000:q" },
  FileSystemConfigs: [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/data" }],
  EphemeralStorage: { Size: 600 },
  SnapStart: { ApplyOn: "None" },
  LoggingConfig: { LogFormat: "JSON", ApplicationLogLevel: "INFO", SystemLogLevel: "INFO", LogGroup: "group" },
  VpcConfig: { SubnetIds: ["subnet-1"], SecurityGroupIds: ["sg-1"], Ipv6AllowedForDualStack: false },
};
const IMAGE = { ImageConfig: { EntryPoint: ["/x"], Command: ["y"], WorkingDirectory: "/z" } };
/** Stands for that of the configuration that is there when the inputs are carried out. */
const CONFIG_ARN = "the code signing configuration";
const SIGNING = {
  Description: "d",
  AllowedPublishers: { SigningProfileVersionArns: ["arn"] },
  CodeSigningPolicies: { UntrustedArtifactOnDeployment: "Warn" },
};
const LIVE = { FunctionName: "f", Qualifier: "live" };
const URL = {
  AuthType: "NONE",
  InvokeMode: "BUFFERED",
  Cors: {
    AllowCredentials: true,
    AllowHeaders: ["a"],
    AllowMethods: ["GET"],
    AllowOrigins: ["*"],
    ExposeHeaders: ["b"],
    MaxAge: 1,
  },
};
const DESTINATION = { Destination: "arn:aws:sqs:us-east-1:000000000000:q" };
const EVENT_CONFIG = {
  MaximumRetryAttempts: 1,
  MaximumEventAgeInSeconds: 60,
  DestinationConfig: { OnSuccess: DESTINATION, OnFailure: DESTINATION },
};
const PAGE = { MaxItems: 1 };
const QUALIFIED = { FunctionName: "f", Qualifier: "1" };
const LAYER_VERSION = { LayerName: "l", VersionNumber: 1 };
const STATEMENT = { ...LAYER_VERSION, StatementId: "s" };

const MAPPING = {
  FunctionName: "f",
  Enabled: true,
  Tags: { a: "b" },
  BatchSize: 5,
  FilterCriteria: { Filters: [{ Pattern: '{"a":["b"]}' }] },
  KMSKeyArn: "arn:aws:kms:us-east-1:000000000000:key/k",
  MetricsConfig: { Metrics: ["EventCount"] },
  MaximumBatchingWindowInSeconds: 1,
};
const AT = { StartingPosition: "AT_TIMESTAMP", StartingPositionTimestamp: new Date(0) };
const RETRIES = {
  DestinationConfig: { OnFailure: DESTINATION },
  MaximumRecordAgeInSeconds: 60,
  BisectBatchOnFunctionError: true,
  MaximumRetryAttempts: 1,
  FunctionResponseTypes: ["ReportBatchItemFailures"],
};
const POLLERS = { ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 2, PollerGroupName: "g" } };
const ACCESS = { SourceAccessConfigurations: [{ Type: "BASIC_AUTH", URI: "arn:aws:secretsmanager:x" }] };
const STREAM_MAPPING = {
  ...MAPPING,
  ...AT,
  ...RETRIES,
  EventSourceArn: "arn:aws:kinesis:us-east-1:000000000000:stream/s",
  ParallelizationFactor: 2,
  TumblingWindowInSeconds: 1,
};
const KAFKA = {
  ConsumerGroupId: "group",
  SchemaRegistryConfig: {
    SchemaRegistryURI: "https://registry.example",
    EventRecordFormat: "JSON",
    AccessConfigs: [{ Type: "BASIC_AUTH", URI: "arn:aws:secretsmanager:x" }],
    SchemaValidationConfigs: [{ Attribute: "KEY" }],
  },
};
const OF_KAFKA = {
  ...MAPPING,
  ...AT,
  ...RETRIES,
  ...POLLERS,
  ...ACCESS,
  Topics: ["t"],
  LoggingConfig: { SystemLogLevel: "INFO" },
};
const KAFKA_MAPPING = {
  ...OF_KAFKA,
  EventSourceArn: "arn:aws:kafka:us-east-1:000000000000:cluster/c/1",
  AmazonManagedKafkaEventSourceConfig: KAFKA,
};
const SELF_MANAGED_MAPPING = {
  ...OF_KAFKA,
  SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ["a:1"] } },
  SelfManagedKafkaEventSourceConfig: { ...KAFKA, ConsumptionMode: "x" },
};
const DATABASE_MAPPING = {
  ...MAPPING,
  ...AT,
  ...ACCESS,
  EventSourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:c",
  DocumentDBEventSourceConfig: { DatabaseName: "d", CollectionName: "c", FullDocument: "Default" },
};
const BROKER_MAPPING = {
  ...MAPPING,
  ...ACCESS,
  EventSourceArn: "arn:aws:mq:us-east-1:000000000000:broker:b:b-1",
  Queues: ["q"],
};
const QUEUE_MAPPING = {
  ...MAPPING,
  ...POLLERS,
  EventSourceArn: "arn:aws:sqs:us-east-1:000000000000:q",
  ScalingConfig: { MaximumConcurrency: 2 },
  FunctionResponseTypes: ["ReportBatchItemFailures"],
};

/** Stands for the UUID of the mapping that was made of it. */
const sourceOf = (mapping: Input): unknown => mapping["EventSourceArn"] ?? "addresses";

/** What of a mapping can be changed. */
function changeOf(mapping: Input): Input {
  const members = LAMBDA.shapes[LAMBDA.operations.UpdateEventSourceMapping.input ?? ""]?.members ?? {};
  const changed = Object.entries(mapping).filter(([name]) => Object.hasOwn(members, name));
  return { ...Object.fromEntries(changed), UUID: sourceOf(mapping) };
}

/** Inputs with which an operation reads all that it honours, in an order in which they can be carried out. */
const INPUTS: ReadonlyArray<readonly [OperationName, Input]> = [
  [
    "CreateFunction",
    {
      ...CONFIG,
      PackageType: "Zip",
      Architectures: ["x86_64"],
      Publish: true,
      Code: { ZipFile: Buffer.from("good") },
      Tags: { a: "b" },
    },
  ],
  ["CreateFunction", { ...CODE, FunctionName: "g", Code: { S3Bucket: "b", S3Key: "k", S3ObjectStorageMode: "COPY" } }],
  ["CreateFunction", { ...CODE, FunctionName: "g", Code: { ImageUri: "x" } }],
  ["CreateFunction", { ...CODE, FunctionName: "g", Code: {}, CodeSigningConfigArn: "x" }],
  ["CreateFunction", { FunctionName: "i", PackageType: "Image", Role: CODE.Role, Code: { ImageUri: "x:1" }, ...IMAGE }],
  ["UpdateFunctionConfiguration", CONFIG],
  ["UpdateFunctionConfiguration", { FunctionName: "i", ...IMAGE }],
  ["UpdateFunctionConfiguration", { FunctionName: "f", RevisionId: "x" }],
  [
    "UpdateFunctionCode",
    {
      FunctionName: "f",
      ZipFile: Buffer.from("good"),
      Architectures: ["x86_64"],
      Publish: true,
      DryRun: true,
      RevisionId: "x",
    },
  ],
  ["UpdateFunctionCode", { FunctionName: "f", ZipFile: Buffer.from("good"), DryRun: true }],
  ["UpdateFunctionCode", { FunctionName: "f", ZipFile: Buffer.from("good"), Publish: true }],
  ["UpdateFunctionCode", { FunctionName: "f", S3Bucket: "b", S3Key: "k", S3ObjectStorageMode: "COPY" }],
  ["UpdateFunctionCode", { FunctionName: "f", ImageUri: "x" }],
  ["PublishVersion", { FunctionName: "f", Description: "d", CodeSha256: "x" }],
  ["PublishVersion", { FunctionName: "f", RevisionId: "x" }],
  ["PublishVersion", { FunctionName: "f" }],
  [
    "CreateAlias",
    {
      FunctionName: "f",
      Name: "live",
      FunctionVersion: "1",
      Description: "d",
      RoutingConfig: { AdditionalVersionWeights: {} },
    },
  ],
  [
    "UpdateAlias",
    {
      FunctionName: "f",
      Name: "live",
      FunctionVersion: "1",
      Description: "d",
      RoutingConfig: { AdditionalVersionWeights: {} },
      RevisionId: "x",
    },
  ],
  [
    "UpdateAlias",
    {
      FunctionName: "f",
      Name: "live",
      FunctionVersion: "1",
      Description: "d",
      RoutingConfig: { AdditionalVersionWeights: {} },
    },
  ],
  ["GetAlias", { FunctionName: "f", Name: "live" }],
  ["ListAliases", { FunctionName: "f", FunctionVersion: "1", ...PAGE }],
  ["CreateFunctionUrlConfig", { ...LIVE, ...URL }],
  ["UpdateFunctionUrlConfig", { ...LIVE, ...URL }],
  [
    "AddPermission",
    {
      ...LIVE,
      StatementId: "s",
      Action: "lambda:InvokeFunction",
      Principal: "*",
      SourceArn: "arn:aws:s3:::bucket",
      SourceAccount: "000000000000",
      EventSourceToken: "token",
      FunctionUrlAuthType: "NONE",
      InvokedViaFunctionUrl: true,
      PrincipalOrgID: "o-1234567890",
    },
  ],
  ["AddPermission", { ...LIVE, StatementId: "t", Action: "a", Principal: "*", RevisionId: "r" }],
  ["RemovePermission", { ...LIVE, StatementId: "s", RevisionId: "r" }],
  ["RemovePermission", { ...LIVE, StatementId: "s" }],
  ["DeleteAlias", { FunctionName: "f", Name: "live" }],
  ["GetFunction", QUALIFIED],
  ["GetFunctionConfiguration", QUALIFIED],
  ["ListFunctions", { FunctionVersion: "ALL", ...PAGE }],
  ["ListVersionsByFunction", { FunctionName: "f", ...PAGE }],
  ["TagResource", { Resource: "arn:aws:lambda:us-east-1:000000000000:function:f", Tags: { a: "b" } }],
  ["UntagResource", { Resource: "arn:aws:lambda:us-east-1:000000000000:function:f", TagKeys: ["a"] }],
  ["ListTags", { Resource: "arn:aws:lambda:us-east-1:000000000000:function:f" }],
  ["PutProvisionedConcurrencyConfig", { ...QUALIFIED, ProvisionedConcurrentExecutions: 1 }],
  ["GetProvisionedConcurrencyConfig", QUALIFIED],
  ["ListProvisionedConcurrencyConfigs", { FunctionName: "f", ...PAGE }],
  ["DeleteProvisionedConcurrencyConfig", QUALIFIED],
  ["PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 1 }],
  ["GetFunctionConcurrency", { FunctionName: "f" }],
  ["DeleteFunctionConcurrency", { FunctionName: "f" }],
  ["Invoke", { ...QUALIFIED, InvocationType: "RequestResponse", LogType: "Tail", ClientContext: "e30=" }],
  [
    "InvokeWithResponseStream",
    { ...QUALIFIED, InvocationType: "RequestResponse", LogType: "Tail", ClientContext: "e30=" },
  ],
  ["InvokeAsync", { FunctionName: "f" }],
  ["GetAccountSettings", {}],
  [
    "PublishLayerVersion",
    {
      LayerName: "l",
      Description: "d",
      Content: { ZipFile: Buffer.from("good") },
      CompatibleArchitectures: ["x86_64"],
      CompatibleRuntimes: ["python3.13"],
      LicenseInfo: "MIT",
    },
  ],
  ["PublishLayerVersion", { LayerName: "l", Content: { S3Bucket: "b", S3Key: "k", S3ObjectStorageMode: "COPY" } }],
  ["ListLayers", { CompatibleArchitecture: "x86_64", CompatibleRuntime: "python3.13", ...PAGE }],
  ["ListLayerVersions", { LayerName: "l", CompatibleArchitecture: "x86_64", CompatibleRuntime: "python3.13", ...PAGE }],
  ["GetLayerVersion", LAYER_VERSION],
  ["GetLayerVersionByArn", { Arn: "arn:aws:lambda:us-east-1:000000000000:layer:l:1" }],
  [
    "AddLayerVersionPermission",
    { ...STATEMENT, Action: "lambda:GetLayerVersion", Principal: "*", OrganizationId: "o" },
  ],
  ["GetLayerVersionPolicy", LAYER_VERSION],
  ["RemoveLayerVersionPermission", STATEMENT],
  ["DeleteLayerVersion", LAYER_VERSION],
  ["CreateEventSourceMapping", STREAM_MAPPING],
  ["CreateEventSourceMapping", KAFKA_MAPPING],
  ["CreateEventSourceMapping", SELF_MANAGED_MAPPING],
  ["CreateEventSourceMapping", DATABASE_MAPPING],
  ["CreateEventSourceMapping", { ...BROKER_MAPPING, DestinationConfig: { OnSuccess: DESTINATION } }],
  ["CreateEventSourceMapping", { ...QUEUE_MAPPING, Enabled: false }],
  ...[STREAM_MAPPING, KAFKA_MAPPING, SELF_MANAGED_MAPPING, DATABASE_MAPPING, QUEUE_MAPPING].map(
    (mapping) => ["UpdateEventSourceMapping", changeOf(mapping)] as const,
  ),
  ["UpdateEventSourceMapping", { UUID: QUEUE_MAPPING.EventSourceArn, DestinationConfig: { OnSuccess: DESTINATION } }],
  ["ListEventSourceMappings", { EventSourceArn: QUEUE_MAPPING.EventSourceArn, FunctionName: "f", ...PAGE }],
  ["GetEventSourceMapping", { UUID: "u" }],
  ["DeleteEventSourceMapping", { UUID: "u" }],
  ["CreateCodeSigningConfig", { ...SIGNING, Tags: { a: "b" } }],
  ["UpdateCodeSigningConfig", { ...SIGNING, CodeSigningConfigArn: "x" }],
  ["UpdateCodeSigningConfig", { ...SIGNING, CodeSigningConfigArn: CONFIG_ARN }],
  ["ListFunctionsByCodeSigningConfig", { CodeSigningConfigArn: CONFIG_ARN, ...PAGE }],
  ["PutFunctionCodeSigningConfig", { FunctionName: "f", CodeSigningConfigArn: CONFIG_ARN }],
  ["ListCodeSigningConfigs", PAGE],
  ["GetCodeSigningConfig", { CodeSigningConfigArn: "x" }],
  ["DeleteCodeSigningConfig", { CodeSigningConfigArn: "x" }],
  ["ListFunctionsByCodeSigningConfig", { CodeSigningConfigArn: "x", ...PAGE }],
  ["GetFunctionCodeSigningConfig", { FunctionName: "f" }],
  ["DeleteFunctionCodeSigningConfig", { FunctionName: "f" }],
  ["ListFunctionEventInvokeConfigs", { FunctionName: "f", ...PAGE }],
  ["PutFunctionEventInvokeConfig", { ...QUALIFIED, ...EVENT_CONFIG }],
  ["UpdateFunctionEventInvokeConfig", { ...QUALIFIED, ...EVENT_CONFIG }],
  ["GetFunctionEventInvokeConfig", QUALIFIED],
  ["DeleteFunctionEventInvokeConfig", QUALIFIED],
  ["ListFunctionUrlConfigs", { FunctionName: "f", ...PAGE }],
  ["GetFunctionUrlConfig", QUALIFIED],
  ["DeleteFunctionUrlConfig", QUALIFIED],
  ["GetPolicy", QUALIFIED],
  ["PutRuntimeManagementConfig", { ...QUALIFIED, UpdateRuntimeOn: "Manual", RuntimeVersionArn: "x" }],
  ["GetRuntimeManagementConfig", QUALIFIED],
  ["GetFunctionRecursionConfig", { FunctionName: "f" }],
  ["PutFunctionRecursionConfig", { FunctionName: "f", RecursiveLoop: "Allow" }],
  ["ListCapacityProviders", PAGE],
  ["DeleteFunction", QUALIFIED],
];

/**
 * Members that need not be read: the payload is the body itself, and of a kind of thing that Thaw can't make there is
 * nothing that a name or a filter could choose.
 */
const OF_NOTHING = new Set([
  "Invoke Payload",
  "InvokeAsync InvokeArgs",
  "InvokeWithResponseStream Payload",
  "ListCapacityProviders State",
]);

describe("each member of a request", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  const built = Object.keys(harness.control.operations) as OperationName[];

  it("is listed for each operation that is built, and only if the model has it", () => {
    expect(Object.keys(HONOURED).toSorted()).toEqual(built.toSorted());
    for (const operation of built) {
      const paths = pathsOf(operation);
      expect(
        HONOURED[operation]?.filter((path) => !paths.includes(path)),
        operation,
      ).toEqual([]);
    }
  });

  it.for(
    built.flatMap((operation) =>
      pathsOf(operation)
        .filter((path) => HONOURED[operation]?.includes(path) !== true)
        .map((path) => [operation, path] as const),
    ),
  )("%s refuses %s, which is not honoured, and says what to do", async ([operation, path]) => {
    const input = withMember(LAMBDA.operations[operation].input ?? "", path.split("."));
    const refusal = await harness.ask(operation, input as Record<string, unknown>).then(
      () => null,
      (error: unknown) => error as Error,
    );
    expect(refusal?.name).toBe("InvalidParameterValueException");
    expect(refusal?.message).toMatch(/ is not supported(?: by Thaw yet\.|: .*\.) Leave it out\.$/);
    const [first = ""] = path.split(".");
    expect(refusal?.message).toContain(first);
  });

  it("is read where it is honoured", async () => {
    const read = new Map<OperationName, Set<string>>();
    const config = (await harness.call("CreateCodeSigningConfig", SIGNING)) as {
      readonly CodeSigningConfig: { readonly CodeSigningConfigArn: string };
    };
    const arn = config.CodeSigningConfig.CodeSigningConfigArn;
    const made = new Map<unknown, unknown>();
    const withArn = (input: Input): Input => ({
      ...input,
      ...(input["CodeSigningConfigArn"] === CONFIG_ARN ? { CodeSigningConfigArn: arn } : {}),
      ...(made.has(input["UUID"]) ? { UUID: made.get(input["UUID"]) } : {}),
    });
    for (const [operation, input] of INPUTS) {
      const noted = read.get(operation) ?? new Set<string>();
      read.set(operation, noted);
      const answer = await harness
        .call(operation, noting(withArn(input), noted) as Record<string, unknown>)
        .catch((error: Error) => {
          if (!error.name.endsWith("Exception")) throw error;
        });
      if (operation === "CreateEventSourceMapping")
        made.set(sourceOf(input), (answer as { readonly UUID?: string } | undefined)?.UUID);
      await harness.advance(0);
    }
    const unread = built.flatMap((operation) =>
      (HONOURED[operation] ?? [])
        .filter((path) => read.get(operation)?.has(path) !== true)
        .map((path) => `${operation} ${path}`)
        .filter((each) => !OF_NOTHING.has(each)),
    );
    expect(unread).toEqual([]);
    await harness.end();
  });
});

describe("what means none", async () => {
  it("changes nothing: tools send it for members that nobody has set", async () => {
    const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
    await harness.create("f", "good", {
      snapStart: false,
      config: {
        VpcConfig: { SubnetIds: [], SecurityGroupIds: [], Ipv6AllowedForDualStack: false },
        Layers: [],
        DeadLetterConfig: { TargetArn: "" },
      },
    });
    await harness.end();
  });
});
