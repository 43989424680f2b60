/** What a metadata store does with the kinds of documents that have no table of their own. */
import { expect, test } from "vitest";
import { type CodeSigningRecord, LATEST, type RuntimeManagementRecord } from "../../model/function-record.ts";
import type { MetadataStore, Write } from "../../ports/metadata-store.ts";
import { create, found, functionOf, put } from "./stored-records.ts";

/** Tests the settings of functions, whatever their kind. */
export function settings(store: () => MetadataStore): void {
  const setting = (functionName: string, qualifier: string): RuntimeManagementRecord => ({
    functionName,
    qualifier,
    updateRuntimeOn: "Auto",
    runtimeVersionArn: null,
  });
  const kept = (functionName: string, qualifier: string): Write =>
    put("runtimeManagement", setting(functionName, qualifier));

  test("a setting is read by its key and in lists, in order, and goes with its function", async () => {
    for (const name of ["b", "a"]) await create(store(), name);
    expect(await store().commit([kept("b", LATEST), kept("a", "live"), kept("a", LATEST)])).toBe("done");
    const read = await store().getSetting("runtimeManagement", "a", "live");
    expect(read).toEqual({ ...setting("a", "live"), revision: expect.any(Number) });
    expect(await store().getSetting("runtimeManagement", "a", "1")).toBeNull();
    const qualifiers = (await store().listSettings("runtimeManagement", "a")).map(({ qualifier }) => qualifier);
    expect(qualifiers).toEqual([LATEST, "live"]);
    await store().commit([{ op: "remove", kind: "function", record: await functionOf(store(), "a") }]);
    const left = await store().listAllSettings("runtimeManagement");
    expect(left.map(({ functionName }) => functionName)).toEqual(["b"]);
  });

  test("a setting is new once, needs its function, and is changed only as it was read", async () => {
    await create(store(), "f");
    expect(await store().commit([kept("gone", LATEST)])).toBe("changed");
    expect(await store().commit([kept("f", LATEST)])).toBe("done");
    expect(await store().commit([kept("f", LATEST)])).toBe("changed");
    const read = await found(store().getSetting("runtimeManagement", "f", LATEST));
    const manual = { ...read, updateRuntimeOn: "Manual", runtimeVersionArn: "arn" } as const;
    const change: Write = { op: "put", kind: "runtimeManagement", record: manual, over: read };
    expect(await store().commit([change])).toBe("done");
    expect(await store().commit([change])).toBe("changed");
    expect(await store().commit([{ op: "remove", kind: "runtimeManagement", record: read }])).toBe("changed");
    const changed = await found(store().getSetting("runtimeManagement", "f", LATEST));
    expect(changed).toEqual({ ...manual, revision: changed.revision });
    expect(await store().commit([{ op: "remove", kind: "runtimeManagement", record: changed }])).toBe("done");
    expect(await store().listAllSettings("runtimeManagement")).toEqual([]);
  });
}

/** Tests what belongs to the account, whatever its kind. */
export function accountEntries(store: () => MetadataStore): void {
  test("what belongs to the account needs no function, and is changed only as it was read", async () => {
    const entry = (id: string): CodeSigningRecord => ({
      id,
      description: "é",
      signingProfileVersionArns: ["arn"],
      untrustedArtifactOnDeployment: "Warn",
      lastModifiedMs: 1,
      tags: {},
    });
    expect(await store().commit([put("codeSigning", entry("b")), put("codeSigning", entry("a"))])).toBe("done");
    expect(await store().commit([put("codeSigning", entry("a"))])).toBe("changed");
    expect((await store().listAccountEntries("codeSigning")).map(({ id }) => id)).toEqual(["a", "b"]);
    const idsAfter = async (after: string, countMax: number): Promise<readonly string[]> =>
      (await store().listAccountEntriesAfter("codeSigning", after, countMax)).map(({ id }) => id);
    expect([await idsAfter("", 1), await idsAfter("a", 2), await idsAfter("b", 2)]).toEqual([["a"], ["b"], []]);
    const { count, sizeBytes } = await store().measureAccountEntries("codeSigning");
    expect(count).toBe(2);
    expect(sizeBytes).toBe(Buffer.byteLength(JSON.stringify(entry("a")) + JSON.stringify(entry("b"))));
    expect(await store().measureAccountEntries("layerVersion")).toEqual({ count: 0, sizeBytes: 0 });
    const read = await found(store().getAccountEntry("codeSigning", "a"));
    expect(read).toEqual({ ...entry("a"), revision: read.revision });
    const change: Write = { op: "put", kind: "codeSigning", record: { ...read, description: "d" }, over: read };
    expect(await store().commit([change])).toBe("done");
    expect(await store().commit([change])).toBe("changed");
    expect(await store().commit([{ op: "remove", kind: "codeSigning", record: read }])).toBe("changed");
    expect(await store().getAccountEntry("codeSigning", "a")).toMatchObject({ description: "d" });
    expect(await store().getAccountEntry("codeSigning", "c")).toBeNull();
  });
}
