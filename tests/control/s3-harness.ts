/** S3 on the listener, over a store of objects in a directory, and the SDK for JavaScript. */
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import type { ControlHarnessOptions } from "./harness.ts";
import { CREDENTIALS, HttpHarness, REGION } from "./http-harness.ts";
import { openTestObjects } from "./test-objects.ts";

interface S3HarnessOptions {
  readonly bytesMax?: number;
  readonly functions?: ControlHarnessOptions["functions"];
}

export async function startS3({ bytesMax, functions = {} }: S3HarnessOptions = {}) {
  const { objects, dir } = openTestObjects(bytesMax === undefined ? {} : { bytesMax });
  const harness = await HttpHarness.start({ functions, services: { objects } });
  onTestFinished(() => harness[Symbol.asyncDispose]());
  const client = (config: S3ClientConfig = {}): S3Client => {
    const endpoint = `http://${harness.host}`;
    const made = new S3Client({ endpoint, region: REGION, credentials: CREDENTIALS, maxAttempts: 1, ...config });
    onTestFinished(() => made.destroy());
    return made;
  };
  return { harness, s3: client(), client, dir, objects };
}
