/**
 * The environment variables of the runtime process: exactly AWS's set, and what the host was told to add. A restore
 * changes none of them: they are in the process image.
 */
import type { FunctionCredentials } from "../../ports/credential-source.ts";
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { RunnableImage } from "../../model/image.ts";
import type { RunnableVersion } from "../../ports/worker.ts";

export const RUNTIME_API_ADDRESS = "127.0.0.1:9001";

/**
 * Values that AWS sets (recorded test_lambda_init_environment). Nothing listens there; trace ids say Sampled=0, so
 * tracing libraries stay silent.
 */
const TRACING_VARIABLES = {
  AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR",
  AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1:2000",
  _AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1",
  _AWS_XRAY_DAEMON_PORT: "2000",
} as const;

/** The way in which credentials come: from the endpoint with SnapStart, from variables without. */
export type CredentialDelivery =
  | { readonly kind: "endpoint"; readonly token: string }
  | { readonly kind: "variables"; readonly credentials: FunctionCredentials; readonly logStream: string };

type Variables = Readonly<Record<string, string>>;

export interface EnvironmentFacts {
  readonly initializationType: InitializationType;
  /** Authorizes calls of the metadata endpoint. */
  readonly metadataToken: string;
}

export type InitializationType = "on-demand" | "provisioned-concurrency" | "snap-start";

/** What Docker gives a process whose image says nothing; AWS leaves PATH to the image. */
const IMAGE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Returns the variables of an image's process: its own below the function's. */
function imageVariables(image: RunnableImage, version: RunnableVersion, ofHost: Variables): Record<string, string> {
  const own = { ...image.environment, ...version.environment };
  return { PATH: IMAGE_PATH, ...TRACING_VARIABLES, ...below(ofHost, own), ...own };
}

/** Returns the host's variables: none where the function names one endpoint for all services, over which they'd win. */
function below(ofHost: Variables, own: Variables): Variables {
  return own["AWS_ENDPOINT_URL"] === undefined ? ofHost : {};
}

export function buildEnvironmentVariables(
  version: RunnableVersion,
  recipe: RuntimeRecipe,
  delivery: CredentialDelivery,
  { initializationType, metadataToken }: EnvironmentFacts,
  ofHost: Variables,
): Readonly<Record<string, string>> {
  const ofEnvironment = {
    AWS_LAMBDA_INITIALIZATION_TYPE: initializationType,
    AWS_LAMBDA_METADATA_API: RUNTIME_API_ADDRESS,
    AWS_LAMBDA_METADATA_TOKEN: metadataToken,
  };
  const { image } = version;
  if (image !== null)
    return {
      ...imageVariables(image, version, ofHost),
      ...ownVariables(version),
      ...deliveryVariables(version, delivery),
      ...ofEnvironment,
    };
  return {
    TZ: ":UTC",
    ...TRACING_VARIABLES,
    ...recipe.env,
    ...below(ofHost, version.environment),
    ...version.environment,
    // A shell of AWS's starts the runtime there, and a shell believes no other place.
    ...(recipe.env["PWD"] === undefined ? {} : { PWD: recipe.env["PWD"] }),
    ...recipe.envOver?.(version.environment),
    ...reservedVariables(version, delivery),
    ...ofEnvironment,
  };
}

/** Returns the variables that a function's own never override. */
function reservedVariables(version: RunnableVersion, delivery: CredentialDelivery): Record<string, string> {
  return {
    _HANDLER: version.handler,
    LAMBDA_TASK_ROOT: "/var/task",
    LAMBDA_RUNTIME_DIR: "/var/runtime",
    // AWS leaves it out for the OS-only runtimes.
    ...(version.runtime.startsWith("provided") ? {} : { AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}` }),
    ...ownVariables(version),
    ...deliveryVariables(version, delivery),
  };
}

/** Returns those that a container image gets, too; its base image sets the others. */
function ownVariables(version: RunnableVersion): Record<string, string> {
  return {
    AWS_REGION: version.region,
    AWS_DEFAULT_REGION: version.region,
    AWS_LAMBDA_FUNCTION_NAME: version.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.memorySizeMib),
    AWS_LAMBDA_RUNTIME_API: RUNTIME_API_ADDRESS,
    ...loggingVariables(version),
  };
}

/** Returns what the clients read for their log format; nothing for text (recorded …test_lambda_init_environment). */
function loggingVariables(version: RunnableVersion): Record<string, string> {
  if (version.logFormat !== "JSON") return {};
  return { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: version.applicationLogLevel ?? "INFO" };
}

function deliveryVariables(version: RunnableVersion, delivery: CredentialDelivery): Record<string, string> {
  if (delivery.kind === "endpoint") {
    return {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${RUNTIME_API_ADDRESS}/2021-04-23/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: delivery.token,
    };
  }
  const { accessKeyId, secretAccessKey, sessionToken } = delivery.credentials;
  return {
    // The names of the first SDK for Java, which AWS sets up to Java 11 (recorded test_lambda_init_environment).
    ...(version.runtime === "java11" ? { AWS_ACCESS_KEY: accessKeyId, AWS_SECRET_KEY: secretAccessKey } : {}),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_LAMBDA_LOG_GROUP_NAME: version.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: delivery.logStream,
  };
}
