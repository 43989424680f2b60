/**
 * The five operations of function URLs. A function has one URL for `$LATEST`, named without a qualifier, and one for
 * each alias. `FunctionUrl` is the URL's id here; the front makes an address of it. Texts: recorded
 * …TestLambdaUrl.test_url_config_exceptions and …test_url_config_lifecycle.
 */
import type { FunctionUrlConfig } from "@thaw/aws-api";
import { newLabel } from "../../base/ids.ts";
import { conflict, invalidParameter, notFound } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type FunctionRecord, LATEST, type UrlIdRecord, type UrlRecord } from "../../model/function-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import { pageOf } from "../records/pages.ts";
import type { ControlParts } from "../services.ts";
import type { UrlCors } from "../../model/url-cors.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "random">;

type UrlOperations = OperationsOf<
  | "CreateFunctionUrlConfig"
  | "GetFunctionUrlConfig"
  | "UpdateFunctionUrlConfig"
  | "DeleteFunctionUrlConfig"
  | "ListFunctionUrlConfigs"
>;

const ID_LENGTH = 32;
const METHODS = new Set(["*", "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]);
/** An origin as browsers send it: a scheme, a host, perhaps a port, and no path. */
const ORIGIN = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/*\s]+$/;

export function urlOperations(services: Needs): UrlOperations {
  const urls = new UrlConfigs(services);
  return {
    CreateFunctionUrlConfig: (input) => urls.create(input),
    GetFunctionUrlConfig: (input) => urls.get(input),
    UpdateFunctionUrlConfig: (input) => urls.update(input),
    DeleteFunctionUrlConfig: (input) => urls.remove(input),
    ListFunctionUrlConfigs: (input) => urls.list(input),
  };
}

interface Place {
  readonly name: string;
  readonly qualifier: string;
  readonly arn: string;
}

class UrlConfigs {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  async create(input: In<"CreateFunctionUrlConfig">): Promise<Out<"CreateFunctionUrlConfig">> {
    const { store, changes, clock, random } = this.#services;
    const place = this.#placeOf(input);
    const cors = readCors(input.Cors);
    const id = newLabel(random, ID_LENGTH);
    const made = await changes.decide(place.name, async () => {
      const owner = await this.#findOwner(place);
      if ((await store.getSetting("url", place.name, place.qualifier)) !== null)
        throw conflict(
          `Failed to create function url config for [functionArn = ${place.arn}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
        );
      const nowMs = clock.nowMs();
      const record: UrlRecord = {
        functionName: place.name,
        qualifier: place.qualifier,
        urlId: id,
        authType: input.AuthType,
        cors,
        invokeMode: input.InvokeMode ?? "BUFFERED",
        createdAtMs: nowMs,
        lastModifiedMs: nowMs,
      };
      const entry: UrlIdRecord = { id, functionName: place.name, qualifier: place.qualifier };
      return {
        // Touched: whoever removes the function removes this entry, too.
        writes: [
          { op: "touchFunction", record: owner },
          { op: "put", kind: "url", record, over: null },
          { op: "put", kind: "urlId", record: entry, over: null },
        ],
        result: record,
      };
    });
    const { LastModifiedTime: _, ...shown } = this.#present(made);
    return withMode(shown, input);
  }

  async get(input: In<"GetFunctionUrlConfig">): Promise<Out<"GetFunctionUrlConfig">> {
    const url = await this.#find(this.#placeOf(input));
    return { ...this.#present(url), InvokeMode: url.invokeMode };
  }

  async update(input: In<"UpdateFunctionUrlConfig">): Promise<Out<"UpdateFunctionUrlConfig">> {
    const { changes, clock } = this.#services;
    const place = this.#placeOf(input);
    const cors = readCors(input.Cors);
    const made = await changes.decide(place.name, async () => {
      await this.#findOwner(place);
      const before = await this.#find(place);
      const record: UrlRecord = {
        ...before,
        authType: input.AuthType ?? before.authType,
        cors: input.Cors === undefined ? before.cors : cors,
        invokeMode: input.InvokeMode ?? before.invokeMode,
        lastModifiedMs: clock.nowMs(),
      };
      return { writes: [{ op: "put", kind: "url", record, over: before }], result: record };
    });
    return withMode(this.#present(made), input);
  }

  async remove(input: In<"DeleteFunctionUrlConfig">): Promise<Out<"DeleteFunctionUrlConfig">> {
    const { store, changes } = this.#services;
    const place = this.#placeOf(input);
    await changes.decide(place.name, async () => {
      const url = await this.#find(place);
      const entry = await store.getAccountEntry("urlId", url.urlId);
      return {
        writes: [
          { op: "remove", kind: "url", record: url },
          ...(entry === null ? [] : [{ op: "remove", kind: "urlId", record: entry } as const]),
        ],
        result: undefined,
      };
    });
    return {};
  }

  async list(input: In<"ListFunctionUrlConfigs">): Promise<Out<"ListFunctionUrlConfigs">> {
    const { scope, store } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    if ((await store.getFunction(name)) === null) throw notFound("Function does not exist");
    const all = await store.listSettings("url", name);
    const page = pageOf({ list: `urls ${name}`, all, placeOf: (url) => [url.qualifier] }, input);
    return {
      FunctionUrlConfigs: page.items.map((url) => ({ ...this.#present(url), InvokeMode: url.invokeMode })),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  #placeOf(input: { readonly FunctionName: string; readonly Qualifier?: string }): Place {
    const { scope } = this.#services;
    const { name, qualifier } = parseFunctionName(scope, input.FunctionName, input.Qualifier);
    return { name, qualifier: qualifier ?? LATEST, arn: functionArn(scope, name, qualifier) };
  }

  /** A missing alias is told as a missing function. */
  async #findOwner({ name, qualifier }: Place): Promise<Stored<FunctionRecord>> {
    const { store } = this.#services;
    const owner = await store.getFunction(name);
    const isThere = qualifier === LATEST || (await store.getAlias(name, qualifier)) !== null;
    if (owner === null || !isThere) throw notFound("Function does not exist");
    return owner;
  }

  async #find({ name, qualifier }: Place): Promise<Stored<UrlRecord>> {
    const url = await this.#services.store.getSetting("url", name, qualifier);
    if (url === null) throw notFound("The resource you requested does not exist.");
    return url;
  }

  #present(url: UrlRecord): FunctionUrlConfig {
    const { functionName, qualifier } = url;
    return {
      FunctionUrl: url.urlId,
      FunctionArn: functionArn(this.#services.scope, functionName, qualifier === LATEST ? null : qualifier),
      AuthType: url.authType,
      ...(url.cors === null ? {} : { Cors: url.cors as NonNullable<FunctionUrlConfig["Cors"]> }),
      CreationTime: new Date(url.createdAtMs).toISOString(),
      LastModifiedTime: new Date(url.lastModifiedMs).toISOString(),
    };
  }
}

/** The answers to a change show the mode only where it was given (recorded …test_lambda_url_echo_invoke). */
function withMode<T>(shown: T, { InvokeMode }: Pick<FunctionUrlConfig, "InvokeMode">): T {
  return InvokeMode === undefined ? shown : { ...shown, InvokeMode };
}

/** Null where nothing is told to browsers: none was given, or an empty one, which takes it away. */
function readCors(cors: UrlCors | undefined): UrlCors | null {
  if (cors === undefined || Object.keys(cors).length === 0) return null;
  for (const method of cors.AllowMethods ?? []) {
    if (!METHODS.has(method))
      throw invalidParameter(
        `Cors.AllowMethods has '${method}'. Name some of ${[...METHODS].join(", ")}; OPTIONS is answered by itself.`,
      );
  }
  for (const origin of cors.AllowOrigins ?? []) {
    if (origin !== "*" && !ORIGIN.test(origin))
      throw invalidParameter(
        `Cors.AllowOrigins has '${origin}'. Name an origin as browsers send it, such as https://example.com, or * for all.`,
      );
  }
  const { AllowCredentials, AllowHeaders, AllowMethods, AllowOrigins, ExposeHeaders, MaxAge } = cors;
  const given = { AllowCredentials, AllowHeaders, AllowMethods, AllowOrigins, ExposeHeaders, MaxAge };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
