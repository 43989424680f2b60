/** The five alias operations. */
import { conflict, invalidParameter, notFound } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type AliasRecord, LATEST } from "../../model/function-record.ts";
import { checkRevision, findFunction } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import { presentAlias } from "../records/present.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlServices } from "../services.ts";

type Needs = Pick<ControlServices, "scope" | "parity" | "store" | "random">;

/** The rules of provisioned concurrency for aliases that have some. */
export interface ProvisionedAliases {
  /** Throws an ApiError when the alias would point at a version that can't have its provisioned concurrency. */
  checkAlias(input: In<"UpdateAlias">): void;
  /** Tells the worker what is wanted now. */
  apply(): void;
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

  create(input: In<"CreateAlias">): Out<"CreateAlias"> {
    const { store, scope, random } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    const alias: AliasRecord = {
      functionName: name,
      name: input.Name,
      functionVersion: input.FunctionVersion,
      description: input.Description ?? "",
      weights: input.RoutingConfig?.AdditionalVersionWeights ?? {},
      revisionId: random.uuid(),
    };
    store.transaction(() => {
      this.#check(alias);
      if (store.getAlias(name, input.Name) !== null)
        throw conflict(`Alias already exists: ${functionArn(scope, name, input.Name)}`);
      store.putAlias(alias);
    });
    return presentAlias(scope, alias);
  }

  get(input: In<"GetAlias">): Out<"GetAlias"> {
    return presentAlias(this.#services.scope, this.#find(input.FunctionName, input.Name));
  }

  list(input: In<"ListAliases">): Out<"ListAliases"> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    findFunction(this.#services, name);
    const wanted = input.FunctionVersion;
    const all = store
      .listAliases(name)
      .filter(
        (alias) => wanted === undefined || alias.functionVersion === wanted || Object.hasOwn(alias.weights, wanted),
      );
    const page = pageOf(all, (alias) => alias.name, input.Marker, input.MaxItems);
    return {
      Aliases: page.items.map((alias) => presentAlias(scope, alias)),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  update(input: In<"UpdateAlias">): Out<"UpdateAlias"> {
    const { store, scope, random } = this.#services;
    this.#provisioned.checkAlias(input);
    const updated = store.transaction(() => {
      const current = this.#find(input.FunctionName, input.Name, "Alias not found:");
      checkRevision(input.RevisionId, current.revisionId);
      const alias: AliasRecord = {
        ...current,
        functionVersion: input.FunctionVersion ?? current.functionVersion,
        description: input.Description ?? current.description,
        weights:
          input.RoutingConfig === undefined ? current.weights : (input.RoutingConfig.AdditionalVersionWeights ?? {}),
        revisionId: random.uuid(),
      };
      this.#check(alias);
      store.putAlias(alias);
      return alias;
    });
    this.#provisioned.apply();
    return presentAlias(scope, updated);
  }

  remove(input: In<"DeleteAlias">): Out<"DeleteAlias"> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    findFunction(this.#services, name);
    store.removeAlias(name, input.Name);
    this.#provisioned.apply();
    return {};
  }

  /** The words before the ARN differ from operation to operation, on AWS too. */
  #find(functionName: string, aliasName: string, problem = "Cannot find alias arn:"): AliasRecord {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, functionName);
    const alias = store.getAlias(name, aliasName);
    if (alias === null) throw notFound(`${problem} ${functionArn(scope, name, aliasName)}`);
    return alias;
  }

  /** The texts: recorded …TestLambdaAlias.test_notfound_and_invalid_routingconfigs. */
  #check(alias: AliasRecord): void {
    const extra = Object.keys(alias.weights);
    if (extra.length > 1)
      throw invalidParameter("Number of items in AdditionalVersionWeights cannot be greater than 1");
    if (extra.includes(alias.functionVersion)) {
      throw invalidParameter(
        `Invalid function version ${alias.functionVersion}. Function version ${alias.functionVersion} is already included in routing configuration.`,
      );
    }
    if (extra.length > 0 && alias.functionVersion === LATEST)
      throw invalidParameter("$LATEST is not supported for an alias pointing to more than 1 version");
    for (const version of [alias.functionVersion, ...extra]) this.#checkVersion(alias.functionName, version);
  }

  #checkVersion(name: string, version: string): void {
    const { store, scope } = this.#services;
    const arn = functionArn(scope, name, version);
    const record = store.getFunction(name) === null ? null : store.getVersion(name, version);
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
