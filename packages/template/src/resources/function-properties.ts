/**
 * All properties of functions, of both kinds, and what becomes of each: `taken` into the plan, `refused`, or left out
 * with this sentence. A name that is not here is a typing error.
 */
/** Refused only with some of their values. */
const EVALUATED = new Set(["VpcConfig", "RuntimeManagementConfig"]);

export type PropertyRule = string;

const NO_IAM = "has no effect: there is no IAM here";

const COMMON: Readonly<Record<string, PropertyRule>> = {
  Architectures: "taken",
  CapacityProviderConfig: "refused",
  CodeSigningConfigArn: "refused",
  Description: "taken",
  DurableConfig: "refused",
  Environment: "taken",
  EphemeralStorage: "taken",
  FileSystemConfigs: "taken",
  FunctionName: "taken",
  FunctionScalingConfig: "refused",
  Handler: "taken",
  ImageConfig: "taken",
  KmsKeyArn: "taken",
  Layers: "taken",
  LoggingConfig: "taken",
  MemorySize: "taken",
  PackageType: "taken",
  PublishToLatestPublished: "refused",
  RecursiveLoop: "taken",
  ReservedConcurrentExecutions: "taken",
  Role: "taken",
  Runtime: "taken",
  RuntimeManagementConfig: "refused",
  SnapStart: "taken",
  Tags: "taken",
  TenancyConfig: "refused",
  Timeout: "taken",
  VpcConfig: "refused",
};

export const FUNCTION_PROPERTIES: Readonly<Record<"sam" | "lambda", Readonly<Record<string, PropertyRule>>>> = {
  lambda: { ...COMMON, Code: "taken", DeadLetterConfig: "taken", TracingConfig: "taken" },
  sam: {
    ...COMMON,
    AssumeRolePolicyDocument: NO_IAM,
    AutoPublishAlias: "taken",
    AutoPublishAliasAllProperties: "taken",
    AutoPublishCodeSha256: "has no effect: a version is published when code or configuration have changed",
    CodeUri: "taken",
    DeadLetterQueue: "taken",
    DeploymentPreference: "has no effect: the alias goes to the new version at once, and no hooks are called",
    EventInvokeConfig: "taken",
    Events: "refused",
    FunctionUrlConfig: "taken",
    ImageUri: "taken",
    InlineCode: "taken",
    PermissionsBoundary: NO_IAM,
    Policies: NO_IAM,
    PropagateTags: "has no effect: functions have their own tags, and there is nothing else here to tag",
    ProvisionedConcurrencyConfig: "taken",
    RolePath: NO_IAM,
    SourceKMSKeyArn: "refused",
    Tracing: "taken",
    VersionDeletionPolicy: "has no effect: versions stay until they are deleted by hand",
    VersionDescription: "taken",
  },
};

export function isTaken(isSam: boolean, property: string): boolean {
  const rules = FUNCTION_PROPERTIES[isSam ? "sam" : "lambda"];
  return Object.hasOwn(rules, property) && (rules[property] === "taken" || EVALUATED.has(property));
}
