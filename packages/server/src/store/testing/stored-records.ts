/** Records for the suites of metadata stores, and what all of them do with a store. */
import { expect } from "vitest";
import type {
  AliasRecord,
  DeliveryRecord,
  EventRecord,
  FunctionRecord,
  ProvisionedRecord,
  VersionRecord,
} from "../../model/function-record.ts";
import { ACTIVE_STATE, freshVersion, LATEST } from "../../model/function-record.ts";
import type { DocumentKind, Documents, MetadataStore, Stored, Write } from "../../ports/metadata-store.ts";

/** Makes the write of a record that is not there yet. */
export function put<K extends DocumentKind>(kind: K, record: Documents[K]): Write {
  return { op: "put", kind, record, over: null } as Write;
}

export async function create(store: MetadataStore, name: string): Promise<void> {
  const writes = [put("function", functionRecord(name)), put("version", versionRecord(name, LATEST))];
  expect(await store.commit(writes)).toBe("done");
}

export async function found<T>(read: Promise<T | null>): Promise<T> {
  const record = await read;
  if (record === null) throw new Error("it is not there");
  return record;
}

export function functionOf(store: MetadataStore, name: string): Promise<Stored<FunctionRecord>> {
  return found(store.getFunction(name));
}

export function versionOf(store: MetadataStore, name: string, version: string): Promise<Stored<VersionRecord>> {
  return found(store.getVersion(name, version));
}

export function functionRecord(name: string): FunctionRecord {
  return { name, uid: 100_000, lastVersion: 0, tags: { team: "ü" }, reservedConcurrency: null };
}

export function versionRecord(functionName: string, version: string): VersionRecord {
  const code = { codeName: "code", codeSha256: "sha", codeSizeBytes: 1 };
  const config = {
    runtime: "python3.13",
    role: "role",
    handler: "a.b",
    description: "",
    timeoutS: 3,
    memorySizeMib: 128,
    environment: { QUOTED: "'\"\n" },
    kmsKeyArn: null,
    tracingMode: "PassThrough",
    architectures: ["x86_64"],
    tmpSizeMib: 512,
    fileSystems: [],
    snapStartApplyOn: "PublishedVersions",
    logFormat: "Text",
    logGroup: "/aws/lambda/f",
    applicationLogLevel: null,
    systemLogLevel: null,
  } as const;
  const made = freshVersion({ functionName, version, config, code, lastModifiedMs: 7, revisionId: `r-${version}` });
  return { ...made, ...ACTIVE_STATE };
}

export function alias(functionName: string, name: string): AliasRecord {
  return { functionName, name, functionVersion: "1", description: "", weights: { "2": 0.1 }, revisionId: "r" };
}

export function provision(functionName: string, qualifier: string): ProvisionedRecord {
  return { functionName, qualifier, requested: 2, lastModifiedMs: 3 };
}

export function event(functionName: string, notBeforeMs: number): Omit<EventRecord, "id"> {
  return {
    requestId: `${functionName}${notBeforeMs}`,
    functionName,
    qualifier: null,
    payload: Buffer.from([0, 255, 1]),
    clientContext: null,
    traceId: "Root=1",
    attempts: 0,
    acceptedAtMs: 0,
    notBeforeMs,
  };
}

export function delivery(functionName: string, notBeforeMs: number): Omit<DeliveryRecord, "id"> {
  return {
    requestId: `${functionName}${notBeforeMs}`,
    functionName,
    functionArn: "arn",
    destination: "to",
    deadLetter: { errorCode: 200, errorMessage: "ü" },
    isSuccess: false,
    traceId: null,
    body: Buffer.from([0, 255, 1]),
    attempts: 0,
    acceptedAtMs: 7,
    notBeforeMs,
  };
}
