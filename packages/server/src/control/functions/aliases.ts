/** The five alias operations. */
import { conflict, invalidParameter, notFound, untypedInvalidParameter } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type AliasRecord, type FunctionRecord, LATEST } from "../../model/function-record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import { settingsOf } from "../records/kept-with.ts";
import { checkRevision, findFunction, nameForChange } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import { presentAlias } from "../records/present.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "parity" | "store" | "changes" | "random">;

/** The rules of provisioned concurrency for aliases that have some. */
export interface ProvisionedAliases {
  /** Throws an ApiError when the alias would point at a version that can't have its provisioned concurrency. */
  checkAlias(input: In<"UpdateAlias">): Promise<void>;
}

type AliasOperations = OperationsOf<"CreateAlias" | "GetAlias" | "ListAliases" | "UpdateAlias" | "DeleteAlias">;

export function aliasOperations(services: Needs, provisioned: ProvisionedAliases): AliasOperations {
  const aliases = new Aliases(services, provisioned);
  return {
    CreateAlias: (input) => aliases.create(input),
    GetAlias: (input) => aliases.get(input),
    ListAliases: (input) => aliases.list(input),
    UpdateAlias: (input) => aliases.update(input),
    DeleteAlias: (input) => aliases.remove(input),
  };
}

class Aliases {
  readonly #services: Needs;
  readonly #provisioned: ProvisionedAliases;

  constructor(services: Needs, provisioned: ProvisionedAliases) {
    this.#services = services;
    this.#provisioned = provisioned;
  }

  async create(input: In<"CreateAlias">): Promise<Out<"CreateAlias">> {
    const { store, changes, scope, random } = this.#services;
    const name = nameForChange(this.#services, input.FunctionName);
    const alias: AliasRecord = {
      functionName: name,
      name: input.Name,
      functionVersion: input.FunctionVersion,
      description: input.Description ?? "",
      weights: input.RoutingConfig?.AdditionalVersionWeights ?? {},
      revisionId: random.uuid(),
    };
    await changes.decide(name, async () => {
      const owner = await store.getFunction(name);
      await this.#check(alias, owner);
      if (owner === null || (await store.getAlias(name, input.Name)) !== null)
        throw conflict(`Alias already exists: ${functionArn(scope, name, input.Name)}`);
      return { writes: writesOf(owner, alias, null), result: undefined };
    });
    return presentAlias(scope, alias);
  }

  async get(input: In<"GetAlias">): Promise<Out<"GetAlias">> {
    return presentAlias(this.#services.scope, await this.#find(input.FunctionName, input.Name));
  }

  async list(input: In<"ListAliases">): Promise<Out<"ListAliases">> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    await findFunction(this.#services, name);
    const wanted = input.FunctionVersion;
    const all = (await store.listAliases(name)).filter(
      (alias) => wanted === undefined || alias.functionVersion === wanted || Object.hasOwn(alias.weights, wanted),
    );
    const page = pageOf({ list: `aliases ${name}`, all, placeOf: (alias) => [alias.name] }, input);
    return {
      Aliases: page.items.map((alias) => presentAlias(scope, alias)),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  async update(input: In<"UpdateAlias">): Promise<Out<"UpdateAlias">> {
    const { store, changes, scope, random } = this.#services;
    const name = nameForChange(this.#services, input.FunctionName);
    const updated = await changes.decide(name, async () => {
      const owner = await store.getFunction(name);
      await this.#provisioned.checkAlias(input);
      const current = await this.#find(input.FunctionName, input.Name, "Alias not found:");
      checkRevision(input.RevisionId, current.revisionId);
      const alias: AliasRecord = {
        ...current,
        functionVersion: input.FunctionVersion ?? current.functionVersion,
        description: input.Description ?? current.description,
        weights:
          input.RoutingConfig === undefined ? current.weights : (input.RoutingConfig.AdditionalVersionWeights ?? {}),
        revisionId: random.uuid(),
      };
      await this.#check(alias, owner);
      return { writes: writesOf(owner, alias, current), result: alias };
    });
    return presentAlias(scope, updated);
  }

  async remove(input: In<"DeleteAlias">): Promise<Out<"DeleteAlias">> {
    const { store, changes } = this.#services;
    const name = nameForChange(this.#services, input.FunctionName);
    await changes.decide(name, async () => {
      const owner = await findFunction(this.#services, name);
      const alias = await store.getAlias(name, input.Name);
      const writes: readonly Write[] =
        alias === null
          ? []
          : [
              { op: "touchFunction", record: owner },
              { op: "remove", kind: "alias", record: alias },
              ...(await settingsOf(store, name, input.Name)),
            ];
      return { writes, result: undefined };
    });
    return {};
  }

  /** The words before the ARN differ from operation to operation, on AWS too. */
  async #find(
    functionName: string,
    aliasName: string,
    problem = "Cannot find alias arn:",
  ): Promise<Stored<AliasRecord>> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, functionName);
    const alias = await store.getAlias(name, aliasName);
    if (alias === null) throw notFound(`${problem} ${functionArn(scope, name, aliasName)}`);
    return alias;
  }

  /** The texts: recorded …TestLambdaAlias.test_notfound_and_invalid_routingconfigs. */
  async #check(alias: AliasRecord, owner: FunctionRecord | null): Promise<void> {
    const extra = Object.keys(alias.weights);
    if (extra.length > 1)
      throw invalidParameter("Number of items in AdditionalVersionWeights cannot be greater than 1");
    if (extra.includes(alias.functionVersion)) {
      throw invalidParameter(
        `Invalid function version ${alias.functionVersion}. Function version ${alias.functionVersion} is already included in routing configuration.`,
      );
    }
    if (extra.length > 0 && alias.functionVersion === LATEST)
      throw untypedInvalidParameter("$LATEST is not supported for an alias pointing to more than 1 version");
    for (const version of [alias.functionVersion, ...extra])
      await this.#checkVersion(alias.functionName, version, owner);
  }

  async #checkVersion(name: string, version: string, owner: FunctionRecord | null): Promise<void> {
    const { store, scope } = this.#services;
    const arn = functionArn(scope, name, version);
    const record = owner === null ? null : await store.getVersion(name, version);
    if (record === null) throw notFound(`Function not found: ${arn}`);
    if (
      record.state === "Failed" ||
      (record.state === "Pending" &&
        record.config.snapStartApplyOn === "PublishedVersions" &&
        this.#services.parity === "strict")
    ) {
      throw conflict(
        `The operation cannot be performed at this time. The resource ${arn} is currently in the following state: '${record.state}'. StateReasonCode: '${record.stateReasonCode}'`,
      );
    }
  }
}

/**
 * The function is touched with each of its aliases: a version can't be removed while one comes to point at it. Where
 * there is no function the checks have thrown; a function that has gone meanwhile took its aliases with it.
 */
function writesOf(
  owner: Stored<FunctionRecord> | null,
  record: AliasRecord,
  over: Stored<AliasRecord> | null,
): readonly Write[] {
  const put = { op: "put", kind: "alias", record, over } as const;
  return owner === null ? [put] : [{ op: "touchFunction", record: owner }, put];
}
