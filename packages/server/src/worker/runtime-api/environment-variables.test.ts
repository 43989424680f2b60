import { expect, it } from "vitest";
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import { buildEnvironmentVariables } from "./environment-variables.ts";

const OF_HOST = { AWS_ENDPOINT_URL_SQS: "http://host", AWS_ENDPOINT_URL_SNS: "http://host" };

function endpoints(environment: Record<string, string>, ofImage: Record<string, string> | null = null) {
  const image = ofImage === null ? null : { environment: ofImage };
  const version = { runtime: "nodejs24.x", environment, image, memorySizeMib: 128 } as unknown as RunnableVersion;
  const delivery = { kind: "endpoint", token: "t" } as const;
  const facts = { initializationType: "on-demand", metadataToken: "m" } as const;
  const recipe = { env: {} } as RuntimeRecipe;
  const all = buildEnvironmentVariables(version, recipe, delivery, facts, OF_HOST);
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith("AWS_ENDPOINT_URL")));
}

it("a function's own variables win over the host's, and one endpoint for all services over all of them", () => {
  expect(endpoints({})).toEqual(OF_HOST);
  expect(endpoints({ AWS_ENDPOINT_URL_SNS: "own" })).toEqual({ ...OF_HOST, AWS_ENDPOINT_URL_SNS: "own" });
  expect(endpoints({ AWS_ENDPOINT_URL: "own" })).toEqual({ AWS_ENDPOINT_URL: "own" });
});

it("the variables of an image are a function's own, too", () => {
  expect(endpoints({}, {})).toEqual(OF_HOST);
  expect(endpoints({}, { AWS_ENDPOINT_URL_SQS: "image" })).toEqual({ ...OF_HOST, AWS_ENDPOINT_URL_SQS: "image" });
  expect(endpoints({}, { AWS_ENDPOINT_URL: "image" })).toEqual({ AWS_ENDPOINT_URL: "image" });
});

it("Java 11 has its credentials by their first names, too", () => {
  const namesOf = (runtime: string): readonly string[] => {
    const version = { runtime, environment: {}, image: null, memorySizeMib: 128 } as unknown as RunnableVersion;
    const credentials = { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token", expiresAtMs: 0 };
    const delivery = { kind: "variables", credentials, logStream: "s" } as const;
    const facts = { initializationType: "on-demand", metadataToken: "m" } as const;
    const all = buildEnvironmentVariables(version, { env: {} } as RuntimeRecipe, delivery, facts, {});
    return Object.entries(all).flatMap(([name, value]) => (["id", "secret", "token"].includes(value) ? [name] : []));
  };
  const usual = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
  expect(namesOf("java11")).toEqual(["AWS_ACCESS_KEY", "AWS_SECRET_KEY", ...usual]);
  expect(namesOf("java17")).toEqual(usual);
});
