/**
 * thaw env: shell commands after which AWS clients and `thaw` use this server. What AWS's tools would take before these
 * keys, or send along with them, is unset.
 */
import type { Connection } from "./connection.ts";
import { print } from "./table.ts";

/** Variables that AWS's tools would take before these keys or this endpoint, or send along. */
const UNSET = [
  "AWS_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
  "AWS_USE_FIPS_ENDPOINT",
  "AWS_USE_DUALSTACK_ENDPOINT",
];

/** Variables of the services that Thaw has: with these alone, all other services go to AWS. */
const OWN_ENDPOINTS = [
  "AWS_ENDPOINT_URL_LAMBDA",
  "AWS_ENDPOINT_URL_CLOUDFORMATION",
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL_STS",
  "AWS_ENDPOINT_URL_IAM",
  "AWS_ENDPOINT_URL_SSM",
  "AWS_ENDPOINT_URL_ECR",
  "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
  "AWS_ENDPOINT_URL_API_GATEWAY",
  "AWS_ENDPOINT_URL_APIGATEWAYV2",
  "AWS_ENDPOINT_URL_EVENTBRIDGE",
  "AWS_ENDPOINT_URL_SCHEDULER",
  "AWS_ENDPOINT_URL_SCHEMAS",
  "AWS_ENDPOINT_URL_CLOUDCONTROL",
];

/** Endpoints of single services, which are stronger than the one for all. */
function otherEndpoints(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.keys(env).filter((name) => /^AWS_ENDPOINT_URL_[A-Z0-9_]+$/.test(name) && !OWN_ENDPOINTS.includes(name));
}

/** Throws a CommandError when no credentials of the server are known. */
export async function printEnv(connection: Connection): Promise<void> {
  const { accessKeyId, secretAccessKey } = await connection.credentials();
  const variables = {
    THAW_ENDPOINT: connection.endpoint,
    THAW_ACCESS_KEY_ID: accessKeyId,
    THAW_SECRET_ACCESS_KEY: secretAccessKey,
    // One for all services: a service that Thaw does not have is refused here, and never gets these keys elsewhere.
    AWS_ENDPOINT_URL: connection.endpoint,
    ...Object.fromEntries(OWN_ENDPOINTS.map((name) => [name, connection.endpoint])),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: connection.region,
    AWS_DEFAULT_REGION: connection.region,
  };
  print(`unset ${[...UNSET, ...otherEndpoints(process.env)].join(" ")}\n`);
  print(
    Object.entries(variables)
      .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
      .join(""),
  );
}
