/** What the functions of tests/functions/frameworks are made of, for tests and the benchmark. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type CreateFunctionCommandInput, PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { type Files, type TestFunctions, zipOf } from "../support/functions.ts";

export const SOURCES = join(REPOSITORY, "tests/functions/frameworks");
/** Made by tools/build-framework-functions.sh. */
export const BUILT = join(REPOSITORY, ".thaw/framework-functions");

export function source(path: string): Buffer {
  return readFileSync(join(SOURCES, path));
}

/** What a function brings along; without the tests and the types of its libraries, and without what `except` names. */
export function filesBelow(dir: string, except?: RegExp): Record<string, Buffer> {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  const wanted = names.filter((name) => !/\/tests\/|\.d\.m?ts$|\.map$/.test(name) && except?.test(name) !== true);
  const files = wanted.filter((name) => statSync(join(dir, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(dir, name))]));
}

/** The libraries of the Python functions; pandas, which is most of their bytes, only where it is asked for. */
export function pythonLibraries({ hasPandas }: { readonly hasPandas: boolean }): Record<string, Buffer> {
  return filesBelow(join(BUILT, "python"), hasPandas ? undefined : /^(pandas|numpy)[^/]*\//);
}

export interface Application {
  readonly label: string;
  readonly files: () => Files;
  readonly options: Partial<CreateFunctionCommandInput>;
}

function java(label: string, folder: string, Handler: string): Application {
  const files = (): Files => filesBelow(join(BUILT, "java", folder));
  return { label, files, options: { Runtime: "java17", Handler, MemorySize: 1_024 } };
}

export const JAVA_WEB: readonly Application[] = [
  java("Spring Boot 4", "spring4", "frameworks.Handler"),
  java("Micronaut", "micronaut", "io.micronaut.function.aws.proxy.payload2.APIGatewayV2HTTPEventFunction"),
  java("Quarkus", "quarkus", "io.quarkus.amazon.lambda.runtime.QuarkusStreamHandler::handleRequest"),
];

export const JAVA_POWERTOOLS: Application = java("Powertools for Java", "powertools", "frameworks.Handler");

/** Behind the Lambda Web Adapter; their options need its layer and `adapterVariables`. */
export const ADAPTED: readonly Application[] = [
  {
    label: "Web Adapter, Express",
    files: () => ({
      ...filesBelow(join(BUILT, "node")),
      "server.mjs": source("web-adapter/server.mjs"),
      "bin/run": "#!/bin/bash\nexec node server.mjs\n",
    }),
    options: { Runtime: "nodejs24.x", Handler: "bin/run", MemorySize: 512 },
  },
  {
    label: "Web Adapter, FastAPI",
    files: () => ({
      ...pythonLibraries({ hasPandas: false }),
      "server.py": source("web-adapter/server.py"),
      "bin/run": '#!/bin/bash\nexec python -m uvicorn --port "$AWS_LWA_PORT" server:app\n',
    }),
    options: { Runtime: "python3.13", Handler: "bin/run", MemorySize: 512 },
  },
];

export type InvokeMode = "BUFFERED" | "RESPONSE_STREAM";

export function adapterVariables(mode: InvokeMode): Record<string, string> {
  return { AWS_LAMBDA_EXEC_WRAPPER: "/opt/bootstrap", AWS_LWA_PORT: "8000", AWS_LWA_INVOKE_MODE: mode };
}

export async function publishAdapterLayer({ lambda }: TestFunctions): Promise<string> {
  const files = {
    bootstrap: source("web-adapter/bootstrap"),
    "extensions/lambda-adapter": readFileSync(join(BUILT, "web-adapter/extensions/lambda-adapter")),
  };
  const { LayerVersionArn } = await lambda.send(
    new PublishLayerVersionCommand({ LayerName: "web-adapter", Content: { ZipFile: await zipOf(files) } }),
  );
  return LayerVersionArn ?? "";
}
