/**
 * SIGKILL of the server at any call of an upload or a collection: every published snapshot stays readable, no half one
 * is seen.
 */
import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { chunkNameOf, chunkNamesOf, readClear } from "@thaw/server/testing/snapshots";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { startColdHost } from "../support/hosts.ts";
import { noS3, S3Server } from "../support/s3-server.ts";

const QUICK = { "index.mjs": "export const handler = async () => 'quick';\n" };
const PREFIX = "crash";
/** An upload of the small function is forty to fifty calls, its removal as well: the last round may end undisturbed. */
const KILLED_AT = [2, 11, 20, 31, 44];

/** What a manifest in the store names and is not there, or not what its name says. */
async function brokenChunks(s3: S3Server): Promise<string[]> {
  const broken: string[] = [];
  for (const key of await s3.keys(PREFIX)) {
    if (!key.endsWith("/manifest")) continue;
    for (const name of chunkNamesOf(readClear(readFileSync(s3.path(`${PREFIX}/${key}`))))) {
      const path = s3.path(`${PREFIX}/chunks/${name.slice(0, 2)}/${name}`);
      if (!existsSync(path) || chunkNameOf(readFileSync(path)) !== name) broken.push(`${key}: ${name}`);
    }
  }
  return broken;
}

/** Ends the server at its nth call of the store from now on. */
class Killing {
  /** Settled when the server is gone. */
  gone: Promise<void> | null = null;
  isGone = false;
  readonly #s3: S3Server;

  constructor(s3: S3Server, server: ThawServer, nth: number) {
    this.#s3 = s3;
    let left = nth;
    s3.fateOf = () => {
      if (--left === 0) this.gone = server.kill("server").then(() => void (this.isGone = true));
      return left <= 0 ? "late" : "pass";
    };
  }

  /** Nothing kills it any more: it makes calls while it stops, too. */
  async end(): Promise<void> {
    this.#s3.fateOf = () => "pass";
    await this.gone;
  }

  /** False: the server ended before it answered; what was asked may or may not have begun. */
  async isAnswered(request: Promise<unknown>): Promise<boolean> {
    try {
      await request;
      return true;
    } catch (error) {
      if (this.gone === null) throw error;
      await this.gone;
      return false;
    }
  }
}

describe.skipIf(noS3 !== null)("SIGKILL of the server", () => {
  it.for(["an upload", "a collection"] as const)("in %s", { timeout: 240_000 }, async (moment, { expect }) => {
    const s3 = await S3Server.start();
    const { args, env } = s3.settings(PREFIX);
    // No grace: the round at each start removes at once what nobody names.
    const options = { args, env: { ...env, THAW_CHUNK_GRACE_S: "0" } };
    let server = await startThaw(options);
    const started = [server];
    const restart = async (): Promise<TestFunctions> => {
      s3.fateOf = () => "pass";
      server = await startThaw({ ...options, previous: server });
      started.push(server);
      return new TestFunctions(server);
    };
    try {
      let functions = new TestFunctions(server);
      const kept = await functions.createSnapStart(QUICK, { FunctionName: "kept" });
      const version = await functions.publish(kept);
      for (const [round, nth] of KILLED_AT.entries()) {
        const name = await functions.createSnapStart(QUICK, { FunctionName: `round-${round}` });
        if (moment === "a collection") await functions.publish(name);
        const ask = (): Promise<unknown> =>
          moment === "an upload"
            ? functions.lambda.send(new PublishVersionCommand({ FunctionName: name }))
            : functions.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
        const uploadsBefore = uploadsOf(server);
        const hasPromises = (await promisesIn(s3)) > 0;
        const killing = new Killing(s3, server, nth);
        const isAnswered = await killing.isAnswered(ask());
        // Work that was shorter than that ends undisturbed.
        await functions.eventually("the end of the work", async () => {
          if (killing.isGone) return true;
          return moment === "an upload" ? hasUploaded(functions, uploadsBefore) : isRemoved(functions, s3, hasPromises);
        });
        expect(await brokenChunks(s3), `killed at call ${nth}`).toEqual([]);
        await killing.end();
        await server.stop();
        functions = await restart();
        // A client asks again; what had been done already is done once.
        if (!isAnswered) await ask().catch((error: unknown) => expect(error).toBeInstanceOf(ResourceNotFoundException));
        if (moment === "an upload") {
          await functions.eventually("Active", async () => {
            const now = await functions.lambda.send(
              new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: "1" }),
            );
            return now.State === "Active";
          });
          expect((await functions.invoke(name, {}, "1")).payload).toBe("quick");
        }
        expect(await brokenChunks(s3), `after call ${nth}`).toEqual([]);
      }
      await server.stop();
      const cold = await startColdHost(server, options);
      started.push(cold);
      const answer = await new TestFunctions(cold).invoke(kept, {}, version);
      expect(answer.payload).toBe("quick");
      expect(answer.log).toContain("Restore Duration");
    } finally {
      for (const each of started.reverse()) await each.remove();
      await s3.stop();
    }
  });
});

function uploadsOf(server: ThawServer): number {
  return server.output().split('"event":"snapshot-uploaded"').length - 1;
}

/** By the server's word: the store may have a draft of an upload that an earlier round has killed. */
async function hasUploaded(functions: TestFunctions, before: number): Promise<boolean> {
  // A server that is being killed does not answer.
  await functions.admin("GET", "host").catch(() => null);
  return uploadsOf(functions.server) > before;
}

/** Drafts of uploads and notes of collectors, which one that was killed leaves for others to believe for a while. */
async function promisesIn(s3: S3Server): Promise<number> {
  return (await s3.keys(PREFIX)).filter((key) => /^(drafts|collecting)\//.test(key)).length;
}

/**
 * The manifest is gone, and with it the chunks; those have to wait where an earlier round has left a promise. A server
 * that is being killed does not answer.
 */
async function isRemoved(functions: TestFunctions, s3: S3Server, hasPromises: boolean): Promise<boolean> {
  const answer = await functions.admin("GET", "host").catch(() => null);
  const manifests = (await s3.keys(PREFIX)).filter((key) => key.endsWith("/manifest"));
  if (answer === null || manifests.length > 1) return false;
  if (hasPromises) return true;
  const { snapshotStore } = (await answer.json()) as { snapshotStore: { chunksCollected: number } };
  return snapshotStore.chunksCollected > 0 && (await promisesIn(s3)) === 0;
}
