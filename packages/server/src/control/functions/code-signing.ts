/**
 * Code signing configurations, and which function has which. They are kept and shown as on AWS. Thaw can't check a
 * signature, so it takes every package for an unsigned one: under `Enforce` none is deployed, as none without a
 * signature is on AWS; under `Warn` all are. Texts: recorded …TestCodeSigningConfig.
 */
import { createHash } from "node:crypto";
import { ApiError, conflict } from "../../model/api-error.ts";
import { type AccountScope, functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type CodeSigningRecord, type FunctionCodeSigningRecord, LATEST } from "../../model/function-record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import { ACCOUNT } from "../records/changes.ts";
import { findFunction } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import { formatTimestamp } from "../records/present.ts";
import { checkTags } from "../records/tag-check.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "random">;

type CodeSigningOperations = OperationsOf<
  | "CreateCodeSigningConfig"
  | "GetCodeSigningConfig"
  | "UpdateCodeSigningConfig"
  | "ListCodeSigningConfigs"
  | "DeleteCodeSigningConfig"
  | "ListFunctionsByCodeSigningConfig"
  | "PutFunctionCodeSigningConfig"
  | "GetFunctionCodeSigningConfig"
  | "DeleteFunctionCodeSigningConfig"
>;

const ID_LENGTH = 17;
const UNSIGNED =
  "Lambda cannot deploy the function. Its code signing configuration has UntrustedArtifactOnDeployment Enforce, and Thaw can't check signatures: it takes every package for an unsigned one. Set the policy to Warn, or take the configuration from the function.";

export function codeSigningOperations(services: Needs): CodeSigningOperations {
  const configs = new CodeSigningConfigs(services);
  const functions = new FunctionCodeSigning(services);
  return {
    CreateCodeSigningConfig: (input) => configs.create(input),
    GetCodeSigningConfig: async ({ CodeSigningConfigArn: arn }) => ({
      CodeSigningConfig: present(services.scope, await findConfig(services, arn)),
    }),
    UpdateCodeSigningConfig: (input) => configs.update(input),
    ListCodeSigningConfigs: (input) => configs.list(input),
    DeleteCodeSigningConfig: (input) => configs.remove(input),
    ListFunctionsByCodeSigningConfig: (input) => functions.list(input),
    PutFunctionCodeSigningConfig: (input) => functions.put(input),
    GetFunctionCodeSigningConfig: (input) => functions.get(input),
    DeleteFunctionCodeSigningConfig: (input) => functions.remove(input),
  };
}

/** The write that gives a new function its configuration. Throws where there is no such one, or it lets nothing in. */
export async function signingOfNewFunction(
  services: Pick<Needs, "scope" | "store">,
  functionName: string,
  arn: string | undefined,
): Promise<readonly Write[]> {
  if (arn === undefined) return [];
  const config = await services.store.getAccountEntry("codeSigning", idOf(arn));
  if (config === null) throw deleted(arn);
  checkPolicy(config);
  const record: FunctionCodeSigningRecord = { functionName, qualifier: LATEST, codeSigningConfigArn: arn };
  return [
    { op: "expect", kind: "codeSigning", record: config },
    { op: "put", kind: "functionCodeSigning", record, over: null },
  ];
}

/** Throws a CodeVerificationFailedException where the function's configuration lets no package in. */
export async function checkSigning(store: Needs["store"], functionName: string): Promise<void> {
  const own = await store.getSetting("functionCodeSigning", functionName, LATEST);
  if (own === null) return;
  const config = await store.getAccountEntry("codeSigning", idOf(own.codeSigningConfigArn));
  if (config !== null) checkPolicy(config);
}

function checkPolicy(config: CodeSigningRecord): void {
  if (config.untrustedArtifactOnDeployment === "Enforce")
    throw new ApiError("CodeVerificationFailedException", UNSIGNED);
}

class CodeSigningConfigs {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  async create(input: In<"CreateCodeSigningConfig">): Promise<Out<"CreateCodeSigningConfig">> {
    const { scope, changes, clock, random } = this.#services;
    const record: CodeSigningRecord = {
      id: `csc-${createHash("sha256").update(random.uuid()).digest("hex").slice(0, ID_LENGTH)}`,
      description: input.Description ?? "",
      signingProfileVersionArns: input.AllowedPublishers.SigningProfileVersionArns,
      untrustedArtifactOnDeployment: input.CodeSigningPolicies?.UntrustedArtifactOnDeployment ?? "Warn",
      lastModifiedMs: clock.nowMs(),
      tags: checkTags({}, input.Tags ?? {}),
    };
    const write: Write = { op: "put", kind: "codeSigning", record, over: null };
    await changes.decide(ACCOUNT, async () => ({ writes: [write], result: undefined }));
    return { CodeSigningConfig: present(scope, record) };
  }

  async update(input: In<"UpdateCodeSigningConfig">): Promise<Out<"UpdateCodeSigningConfig">> {
    const { scope, changes, clock } = this.#services;
    const updated = await changes.decide(ACCOUNT, async () => {
      const over = await findConfig(this.#services, input.CodeSigningConfigArn);
      const record: CodeSigningRecord = {
        ...over,
        description: input.Description ?? over.description,
        signingProfileVersionArns: input.AllowedPublishers?.SigningProfileVersionArns ?? over.signingProfileVersionArns,
        untrustedArtifactOnDeployment:
          input.CodeSigningPolicies?.UntrustedArtifactOnDeployment ?? over.untrustedArtifactOnDeployment,
        lastModifiedMs: clock.nowMs(),
      };
      return { writes: [{ op: "put", kind: "codeSigning", record, over }], result: record };
    });
    return { CodeSigningConfig: present(scope, updated) };
  }

  async list(input: In<"ListCodeSigningConfigs">): Promise<Out<"ListCodeSigningConfigs">> {
    const all = await this.#services.store.listAccountEntries("codeSigning");
    const page = pageOf({ list: "code signing configurations", all, placeOf: ({ id }) => [id] }, input);
    return {
      CodeSigningConfigs: page.items.map((record) => present(this.#services.scope, record)),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  /** AWS deletes none that a function uses; its text is not known. */
  async remove({ CodeSigningConfigArn: arn }: In<"DeleteCodeSigningConfig">): Promise<Out<"DeleteCodeSigningConfig">> {
    const { store, changes } = this.#services;
    await changes.decide(ACCOUNT, async () => {
      // Read before the functions: who gives one this configuration touches the account, too.
      const revision = await store.accountRevision();
      const record = await findConfig(this.#services, arn);
      const users = await usersOf(store, arn);
      if (users.length > 0)
        throw conflict(
          `The code signing configuration ${arn} is used by: ${users.join(", ")}. Take it from them first.`,
        );
      return {
        writes: [
          { op: "touchAccount", revision },
          { op: "remove", kind: "codeSigning", record },
        ],
        result: undefined,
      };
    });
    return {};
  }
}

class FunctionCodeSigning {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  async put(input: In<"PutFunctionCodeSigningConfig">): Promise<Out<"PutFunctionCodeSigningConfig">> {
    const { store, changes } = this.#services;
    const { CodeSigningConfigArn: codeSigningConfigArn } = input;
    const functionName = this.#nameOf(input.FunctionName);
    await changes.decide(ACCOUNT, async () => {
      const revision = await store.accountRevision();
      // AWS looks for the configuration first.
      const config = await store.getAccountEntry("codeSigning", idOf(codeSigningConfigArn));
      if (config === null) throw deleted(codeSigningConfigArn);
      await findFunction(this.#services, functionName);
      const over = await store.getSetting("functionCodeSigning", functionName, LATEST);
      const record: FunctionCodeSigningRecord = { functionName, qualifier: LATEST, codeSigningConfigArn };
      return {
        writes: [
          { op: "touchAccount", revision },
          { op: "put", kind: "functionCodeSigning", record, over },
        ],
        result: undefined,
      };
    });
    return { CodeSigningConfigArn: codeSigningConfigArn, FunctionName: functionName };
  }

  /** Without a configuration AWS's answer has no member, whatever the model says. */
  async get(input: In<"GetFunctionCodeSigningConfig">): Promise<Out<"GetFunctionCodeSigningConfig">> {
    const name = this.#nameOf(input.FunctionName);
    await findFunction(this.#services, name);
    const own = await this.#services.store.getSetting("functionCodeSigning", name, LATEST);
    if (own === null) return {} as never;
    return { CodeSigningConfigArn: own.codeSigningConfigArn, FunctionName: name };
  }

  async remove(input: In<"DeleteFunctionCodeSigningConfig">): Promise<Out<"DeleteFunctionCodeSigningConfig">> {
    const { store, changes } = this.#services;
    const name = this.#nameOf(input.FunctionName);
    await changes.decide(name, async () => {
      await findFunction(this.#services, name);
      const record = await store.getSetting("functionCodeSigning", name, LATEST);
      return {
        writes: record === null ? [] : [{ op: "remove", kind: "functionCodeSigning", record }],
        result: undefined,
      };
    });
    return {};
  }

  async list(input: In<"ListFunctionsByCodeSigningConfig">): Promise<Out<"ListFunctionsByCodeSigningConfig">> {
    const { scope, store } = this.#services;
    const { CodeSigningConfigArn: arn } = input;
    await findConfig(this.#services, arn);
    const all = await usersOf(store, arn);
    const page = pageOf({ list: `functions of ${arn}`, all, placeOf: (name) => [name] }, input);
    return {
      FunctionArns: page.items.map((name) => functionArn(scope, name)),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  #nameOf(functionName: string): string {
    return parseFunctionName(this.#services.scope, functionName).name;
  }
}

/** Throws a ResourceNotFoundException, without a `Type` as on AWS. */
export async function findConfig(
  { scope, store }: Pick<Needs, "scope" | "store">,
  arn: string,
): Promise<Stored<CodeSigningRecord>> {
  const found = await store.getAccountEntry("codeSigning", idOf(arn));
  if (found !== null && arnOf(scope, found) === arn) return found;
  throw new ApiError("ResourceNotFoundException", `The Lambda code signing configuration ${arn} can not be found.`, {
    Type: null,
  });
}

/** By name. */
async function usersOf(store: Needs["store"], arn: string): Promise<readonly string[]> {
  const all = await store.listAllSettings("functionCodeSigning");
  return all.filter(({ codeSigningConfigArn }) => codeSigningConfigArn === arn).map(({ functionName }) => functionName);
}

function deleted(arn: string): ApiError {
  return new ApiError(
    "CodeSigningConfigNotFoundException",
    `The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${arn}.`,
  );
}

function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(":") + 1);
}

function arnOf(scope: AccountScope, { id }: CodeSigningRecord): string {
  return `arn:aws:lambda:${scope.region}:${scope.accountId}:code-signing-config:${id}`;
}

function present(scope: AccountScope, record: CodeSigningRecord): Out<"CreateCodeSigningConfig">["CodeSigningConfig"] {
  return {
    CodeSigningConfigId: record.id,
    CodeSigningConfigArn: arnOf(scope, record),
    Description: record.description,
    AllowedPublishers: { SigningProfileVersionArns: record.signingProfileVersionArns },
    CodeSigningPolicies: { UntrustedArtifactOnDeployment: record.untrustedArtifactOnDeployment },
    LastModified: formatTimestamp(record.lastModifiedMs),
  };
}
