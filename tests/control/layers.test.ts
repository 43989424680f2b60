/** Layers: AWS's operations, texts and limits, and what functions keep of them. */
import type { OperationName } from "@thaw/aws-api";
import { optNameOf } from "@thaw/server/testing/model";
import type { CodeStore } from "@thaw/server/testing/ports";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ControlHarness } from "./harness.ts";
import { unpackInMemory } from "@thaw/server/testing/fakes";

const LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:";
const MIB = 1024 * 1024;

let harness: ControlHarness;
/** What the code store was asked to merge, and what it was told to keep. */
let merged: Array<readonly [string, readonly string[]]>;
let kept: ReadonlySet<string>;
/** Bytes of an unpacked package, by its content. */
let sizes: Record<string, number>;

const code: CodeStore = {
  unpack: async (zip) => ({ codeName: zip.toString(), codeSha256: zip.toString("base64"), codeSizeBytes: zip.length }),
  unpackImage: unpackInMemory,
  readZip: async () => null,
  findTexts: async () => new Set(),
  unpackedSizeOf: async (name) => sizes[name] ?? 1,
  merge: async (name, contents) => {
    if (contents.includes("lost")) throw new Error("it is not there");
    merged.push([name, contents]);
  },
  hold: (work) => work(),
  sweep: async (used) => {
    kept = await used();
  },
};

beforeEach(async () => {
  [merged, kept, sizes] = [[], new Set(), {}];
  harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } }, services: { code } });
});
afterEach(() => harness.end());

async function answer(operation: OperationName, input: Record<string, unknown>): Promise<unknown> {
  return harness.call(operation, input).catch((error: Error) => `${error.name}: ${error.message}`);
}

async function publish(name: string, content = name, more: Record<string, unknown> = {}): Promise<string> {
  const input = { LayerName: name, Content: { ZipFile: Buffer.from(content) }, ...more };
  return ((await harness.call("PublishLayerVersion", input)) as { LayerVersionArn: string }).LayerVersionArn;
}

async function numbers(filter: Record<string, unknown> = {}): Promise<readonly number[]> {
  const listed = (await harness.call("ListLayerVersions", { LayerName: "l", ...filter })) as {
    LayerVersions: ReadonlyArray<{ Version: number }>;
  };
  return listed.LayerVersions.map(({ Version }) => Version);
}

describe("versions of layers", () => {
  it("have numbers that are never used again, also after a restart", async () => {
    await publish("l");
    await publish("l");
    for (const VersionNumber of [1, 2, 2, 77])
      expect(await answer("DeleteLayerVersion", { LayerName: "l", VersionNumber })).toEqual({});
    expect(await numbers()).toEqual([]);
    expect(await answer("ListLayers", {})).toEqual({ Layers: [] });
    await harness.restart();
    expect(await publish("l")).toBe(`${LAYER}l:3`);
  });

  it("get numbers of their own where many are published at the same time", async () => {
    const arns = await Promise.all([1, 2, 3, 4, 5].map(() => publish("l")));
    expect(arns.toSorted()).toEqual([1, 2, 3, 4, 5].map((number) => `${LAYER}l:${number}`));
    expect(await numbers()).toEqual([5, 4, 3, 2, 1]);
  });

  it("are shown with what was given, and no more", async () => {
    const bare = { LayerName: "l", Content: { ZipFile: Buffer.from("zip") } };
    const shown = {
      Content: { Location: "/_thaw/v1/code/zip", CodeSha256: Buffer.from("zip").toString("base64"), CodeSize: 3 },
      LayerArn: `${LAYER}l`,
      LayerVersionArn: `${LAYER}l:1`,
      Version: 1,
      Description: "",
      CreatedDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/),
    };
    expect(await answer("PublishLayerVersion", bare)).toEqual(shown);
    expect(await answer("GetLayerVersion", { LayerName: "l", VersionNumber: 1 })).toEqual(shown);
    expect(await answer("GetLayerVersion", { LayerName: `${LAYER}l`, VersionNumber: 1 })).toEqual(shown);
    expect(await answer("GetLayerVersionByArn", { Arn: `${LAYER}l:1` })).toEqual(shown);
    const { Content: _, LayerArn, ...listed } = shown;
    const latest = [{ LayerName: "l", LayerArn, LatestMatchingVersion: listed }];
    expect(await answer("ListLayers", {})).toEqual({ Layers: latest });
  });

  it("are listed by runtime and architecture, page by page, the newest first", async () => {
    await publish("l", "a", { CompatibleRuntimes: ["python3.13", "java21"], CompatibleArchitectures: ["x86_64"] });
    await publish("l", "b", { CompatibleRuntimes: ["java21"], CompatibleArchitectures: ["arm64", "x86_64"] });
    await publish("l", "c");
    await publish("k", "d", { CompatibleRuntimes: ["java21"] });
    expect(await numbers()).toEqual([3, 2, 1]);
    expect(await numbers({ CompatibleRuntime: "java21" })).toEqual([2, 1]);
    expect(await numbers({ CompatibleRuntime: "python3.13" })).toEqual([1]);
    expect(await numbers({ CompatibleArchitecture: "arm64" })).toEqual([2]);
    expect(await numbers({ CompatibleRuntime: "python3.13", CompatibleArchitecture: "arm64" })).toEqual([]);
    expect(await numbers({ LayerName: "nobody" })).toEqual([]);
    const first = (await harness.call("ListLayerVersions", { LayerName: "l", MaxItems: 2 })) as { NextMarker: string };
    expect(await numbers({ Marker: first.NextMarker })).toEqual([1]);
    // A marker belongs to its list.
    expect(await answer("ListLayerVersions", { LayerName: "k", Marker: first.NextMarker })).toMatch(/Invalid marker/);
    const matching = await answer("ListLayers", { CompatibleRuntime: "java21" });
    expect(matching).toMatchObject({
      Layers: [
        { LayerName: "k", LatestMatchingVersion: { Version: 1 } },
        { LayerName: "l", LatestMatchingVersion: { Version: 2 } },
      ],
    });
    const page = (await harness.call("ListLayers", { MaxItems: 1 })) as { NextMarker: string };
    expect(await answer("ListLayers", { Marker: page.NextMarker })).toMatchObject({ Layers: [{ LayerName: "l" }] });
  });

  const NOTHING = "ResourceNotFoundException: The resource you requested does not exist.";
  const BELOW_ONE = "InvalidParameterValueException: Layer Version Cannot be less than 1";
  const DENIED =
    "AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetLayerVersion on resource: arn:aws:lambda:us-east-1:111111111111:layer:l:1 because no resource-based policy allows the lambda:GetLayerVersion action";

  it.for([
    ["GetLayerVersion", { LayerName: "l", VersionNumber: 2 }, NOTHING],
    ["GetLayerVersion", { LayerName: "nobody", VersionNumber: 1 }, NOTHING],
    ["GetLayerVersion", { LayerName: "l", VersionNumber: 0 }, BELOW_ONE],
    ["GetLayerVersion", { LayerName: "l", VersionNumber: -1 }, BELOW_ONE],
    ["DeleteLayerVersion", { LayerName: "l", VersionNumber: 0 }, BELOW_ONE],
    ["GetLayerVersionByArn", { Arn: `${LAYER}l:9` }, NOTHING],
    ["GetLayerVersionByArn", { Arn: `${LAYER}l:0` }, BELOW_ONE],
    ["GetLayerVersionByArn", { Arn: "arn:aws:lambda:::awslayer:AmazonLinux1803" }, NOTHING],
    ["GetLayerVersionByArn", { Arn: "arn:aws:lambda:us-east-1:111111111111:layer:l:1" }, DENIED],
    [
      "GetLayerVersionByArn",
      { Arn: "arn:aws:lambda:eu-west-1:000000000000:layer:l:1" },
      "ResourceNotFoundException: Layers from 'eu-west-1' are not reachable in this region ('us-east-1')",
    ],
    [
      "PublishLayerVersion",
      { LayerName: "l", Content: { ZipFile: Buffer.alloc(50 * MIB + 1) } },
      "RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes",
    ],
    [
      "PublishLayerVersion",
      { LayerName: "l", Content: {} },
      "InvalidParameterValueException: Please provide a source for layer content.",
    ],
    [
      "PublishLayerVersion",
      { LayerName: "l", Content: { S3Bucket: "b", S3Key: "k" } },
      "InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
    ],
  ] as const)("%s is refused: case %#", async ([operation, input, message]) => {
    await publish("l");
    expect(await answer(operation, input)).toBe(message);
  });
});

describe("a layer's policy", () => {
  const ONE = { LayerName: "l", VersionNumber: 1 };
  const allow = (StatementId: string, Principal: string, more: Record<string, unknown> = {}): Promise<unknown> =>
    answer("AddLayerVersionPermission", {
      ...ONE,
      StatementId,
      Action: "lambda:GetLayerVersion",
      Principal,
      ...more,
    });
  const statement = (Sid: string, Principal: unknown): Record<string, unknown> => ({
    Sid,
    Effect: "Allow",
    Principal,
    Action: "lambda:GetLayerVersion",
    Resource: `${LAYER}l:1`,
  });

  it("has statements, and is gone with the last of them", async () => {
    await publish("l");
    const none = "ResourceNotFoundException: No policy is associated with the given resource.";
    expect(await answer("GetLayerVersionPolicy", ONE)).toBe(none);
    const account = { AWS: "arn:aws:iam::111111111111:root" };
    const added = (await allow("s1", "111111111111")) as { Statement: string; RevisionId: string };
    expect(JSON.parse(added.Statement)).toEqual(statement("s1", account));
    const second = (await allow("s2", "*", { OrganizationId: "o-a1b2c3d4e5", RevisionId: added.RevisionId })) as {
      Statement: string;
      RevisionId: string;
    };
    const organization = { Condition: { StringEquals: { "aws:PrincipalOrgID": "o-a1b2c3d4e5" } } };
    const wanted = [statement("s1", account), { ...statement("s2", "*"), ...organization }];
    const policy = (await answer("GetLayerVersionPolicy", ONE)) as { Policy: string; RevisionId: string };
    expect(JSON.parse(policy.Policy)).toEqual({ Version: "2012-10-17", Id: "default", Statement: wanted });
    expect(policy.RevisionId).toBe(second.RevisionId);
    for (const StatementId of ["s1", "s2"])
      expect(await answer("RemoveLayerVersionPermission", { ...ONE, StatementId })).toEqual({});
    expect(await answer("GetLayerVersionPolicy", ONE)).toBe(none);
  });

  it("is refused in AWS's words", async () => {
    await publish("l");
    await allow("s1", "111111111111");
    const stale =
      "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id";
    expect(await allow("s1", "*", { RevisionId: "old" })).toBe(
      "ResourceConflictException: The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing statement.",
    );
    expect(await allow("s2", "*", { RevisionId: "old" })).toBe(stale);
    const remove = (more: Record<string, unknown>): Promise<unknown> =>
      answer("RemoveLayerVersionPermission", { ...ONE, StatementId: "s1", ...more });
    expect(await remove({ RevisionId: "old" })).toBe(stale);
    expect(await remove({ StatementId: "s9" })).toBe(
      "ResourceNotFoundException: Statement s9 is not found in resource policy.",
    );
    const absent = `ResourceNotFoundException: Layer version ${LAYER}l:7 does not exist.`;
    expect(await remove({ VersionNumber: 7 })).toBe(absent);
    expect(await allow("s3", "*", { VersionNumber: 7 })).toBe(absent);
    expect(await answer("GetLayerVersionPolicy", { ...ONE, VersionNumber: 7 })).toBe(absent);
    for (let count = 0; count < 200; count++) {
      const added = await allow(`${"s".repeat(90)}${count}`, "*");
      if (typeof added === "string") {
        expect(added).toMatch(/^PolicyLengthExceededException: /);
        expect(count).toBeGreaterThan(50);
        return;
      }
    }
    throw new Error("it has no limit");
  });
});

describe("a function's layers", () => {
  const update = (Layers: readonly string[], name = "f"): Promise<unknown> =>
    answer("UpdateFunctionConfiguration", { FunctionName: name, Layers });
  const shown = async (name = "f", Qualifier = "$LATEST"): Promise<unknown> =>
    ((await answer("GetFunctionConfiguration", { FunctionName: name, Qualifier })) as { Layers?: unknown }).Layers;

  it("are merged when they are given, in their order, and shown with their sizes", async () => {
    const arns = [await publish("a", "aa"), await publish("b", "bbb")];
    await harness.create("f", "good", { config: { Layers: arns } });
    const optName = optNameOf([{ codeName: "aa" }, { codeName: "bbb" }]);
    expect(merged).toEqual([[optName, ["aa", "bbb"]]]);
    const both = [
      { Arn: arns[0], CodeSize: 2 },
      { Arn: arns[1], CodeSize: 3 },
    ];
    expect(await shown()).toEqual(both);
    expect(await answer("ListFunctions", {})).toMatchObject({ Functions: [{ Layers: both }] });
    expect(await harness.publish("f")).toBe("1");
    await update(arns.toReversed());
    await harness.advance(0);
    expect(merged.at(-1)?.[1]).toEqual(["bbb", "aa"]);
    expect(merged.at(-1)?.[0]).not.toBe(optName);
    // Another order is another function: it is published anew.
    expect(await harness.publish("f")).toBe("2");
    expect(await harness.publish("f")).toBe("2");
    await update([]);
    await harness.advance(0);
    expect([await shown(), await shown("f", "1")]).toEqual([undefined, both]);
    expect(await answer("GetAccountSettings", {})).toMatchObject({ AccountUsage: { TotalCodeSize: 3 * 4 + 5 } });
  });

  it("stay when the layer is deleted, for as long as a version has them, and can't be given again", async () => {
    const arn = await publish("a", "aa");
    await harness.create("f", "good", { config: { Layers: [arn] } });
    await harness.publish("f");
    await answer("DeleteLayerVersion", { LayerName: "a", VersionNumber: 1 });
    expect(await shown()).toEqual([{ Arn: arn, CodeSize: 2 }]);
    expect(await answer("UpdateFunctionConfiguration", { FunctionName: "f", MemorySize: 256 })).toMatchObject({
      Layers: [{ Arn: arn }],
    });
    await harness.advance(0);
    const gone = `InvalidParameterValueException: Layer version ${arn} does not exist.`;
    expect(await update([arn])).toBe(gone);
    const optName = optNameOf([{ codeName: "aa" }]);
    merged = [];
    await harness.restart();
    expect(kept).toEqual(new Set(["good", "aa", optName]));
    expect(merged.every(([name]) => name === optName)).toBe(true);
    expect(merged.length).toBeGreaterThan(0);
    await answer("DeleteFunction", { FunctionName: "f" });
    await harness.restart();
    expect(kept).toEqual(new Set());
  });

  it("that can't be merged at a start are reported, and the server runs", async () => {
    const arn = await publish("a", "aa");
    await harness.create("f", "good", { config: { Layers: [arn] } });
    const stored = await harness.version("f", "$LATEST");
    const layers = [{ arn, codeName: "lost", codeSizeBytes: 2 }];
    const record = { ...stored, config: { ...stored.config, layers } };
    await harness.life.store.commit([{ op: "put", kind: "version", record, over: stored }]);
    await harness.restart();
    expect(harness.problems).toEqual(["merge the layers of f:$LATEST: Error: it is not there"]);
  });

  it("and the code have a limit together, whichever comes last", async () => {
    sizes = { half: 131_072_000, half2: 131_071_999, small: 1, two: 2 };
    const arns = [await publish("a", "half"), await publish("b", "half2")];
    const code = { FunctionName: "f", ZipFile: Buffer.from("small") };
    await harness.create("f", "good");
    expect(await answer("UpdateFunctionCode", code)).toMatchObject({ FunctionName: "f" });
    await harness.advance(0);
    expect(await update(arns)).toMatchObject({ Layers: [{ Arn: arns[0] }, { Arn: arns[1] }] });
    await harness.advance(0);
    const tooLarge =
      "InvalidParameterValueException: Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes.";
    for (const DryRun of [true, false])
      expect(await answer("UpdateFunctionCode", { ...code, ZipFile: Buffer.from("two"), DryRun })).toBe(tooLarge);
    const create = { FunctionName: "g", Role: "r", Runtime: "python3.13", Handler: "a.b" };
    const made = await answer("CreateFunction", { ...create, Code: { ZipFile: Buffer.from("two") }, Layers: arns });
    expect(made).toBe(tooLarge);
    expect(await answer("GetFunction", { FunctionName: "g" })).toMatch(/Function not found/);
    expect(merged.length).toBe(1);
  });

  it("are refused in AWS's words", async () => {
    await harness.create("f", "good");
    const arns = await Promise.all(["a", "b", "c", "d", "e", "g"].map((name) => publish(name)));
    await publish("a");
    const [first = ""] = arns;
    const second = `${LAYER}a:2`;
    const refusals: ReadonlyArray<readonly [readonly string[], string]> = [
      [arns, "Cannot reference more than 5 layers."],
      [[`${LAYER}a:9`], `Layer version ${LAYER}a:9 does not exist.`],
      [[`${LAYER}nobody:1`], `Layer version ${LAYER}nobody:1 does not exist.`],
      [
        ["arn:aws:lambda:eu-west-1:000000000000:layer:a:1"],
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
      ],
      [
        [first, second],
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${first} and ${second} are versions of the same layer.`,
      ],
      [
        [first, first],
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${first} and ${first} are versions of the same layer.`,
      ],
      [
        ["arn:aws:lambda:::awslayer:AmazonLinux1803"],
        "Layer version arn:aws:lambda:::awslayer:AmazonLinux1803 does not exist.",
      ],
    ];
    for (const [layers, message] of refusals)
      expect(await update(layers)).toBe(`InvalidParameterValueException: ${message}`);
    const foreign = "arn:aws:lambda:us-east-1:111111111111:layer:a:1";
    expect(await update([foreign])).toMatch(
      /^AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetLayerVersion on resource: .*:a:1 because no resource-based policy/,
    );
    expect(await shown()).toBeUndefined();
    expect(await update(arns.slice(0, 5))).toMatchObject({ Layers: arns.slice(0, 5).map((Arn) => ({ Arn })) });
  });
});
