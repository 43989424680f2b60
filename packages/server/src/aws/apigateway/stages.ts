/** Stages and deployments of a REST API. */
import type { Deployment, OperationTypes } from "@thaw/aws-api/apigateway";
import { frozenId } from "../../model/http-api/record.ts";
import type {
  RestApiRecord,
  RestDeploymentRecord,
  RestFrozenRecord,
  RestStageRecord,
} from "../../model/rest-api/record.ts";
import { SchemaError } from "../../model/json-schema/check.ts";
import { loadLinearExpressions } from "../../model/json-schema/linear-expressions.ts";
import { checkedModels, compileModel } from "../../model/rest-api/request-checks.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { readAccessLog } from "../gateways/access-logs.ts";
import { badRequest, conflict, notFound } from "../gateways/refusals.ts";
import { checkVariables, DEPLOYMENTS_MAX, isStageName, STAGES_MAX } from "../gateways/stages.ts";
import { checkTags } from "../gateways/tags.ts";
import { checkHonoured } from "./honoured.ts";
import { NO_TRAFFIC, patchedSettings, readSettings } from "./method-settings.ts";
import { pageOf } from "./pages.ts";
import { patched, type Patchables } from "./patches.ts";
import { presentDeployment, presentStage } from "./present.ts";
import { methodsOf, type StoredRestApis } from "./stored-rest-apis.ts";

const PATCHABLES: Patchables = {
  "/description": "text",
  "/deploymentId": "text",
  "/variables/*": "entry",
  "/tracingEnabled": "flag",
  "/accessLogSettings": "text",
  "/accessLogSettings/destinationArn": "text",
  "/accessLogSettings/format": "text",
};

export function stageOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async CreateStage(input, { caller }) {
      checkHonoured("CreateStage", input);
      const made = await apis.change(input.restApiId, (api) => {
        if (api.stages.some(({ name }) => name === input.stageName)) throw conflict("Stage already exists");
        return added(api, {
          name: input.stageName,
          description: input.description ?? null,
          deploymentId: findDeployment(api, input.deploymentId).id,
          variables: input.variables ?? {},
          ...NO_TRAFFIC,
          isTraced: input.tracingEnabled ?? false,
          tags: checkTags({}, input.tags ?? {}, caller),
          createdAtMs: apis.nowMs,
          lastUpdatedMs: apis.nowMs,
        });
      });
      return presentStage(made);
    },
    async GetStage({ restApiId, stageName }) {
      return presentStage(findStage(await apis.find(restApiId), stageName));
    },
    async GetStages({ restApiId, deploymentId }) {
      const { stages } = await apis.find(restApiId);
      const wanted = stages.filter((each) => deploymentId === undefined || each.deploymentId === deploymentId);
      return { item: wanted.map(presentStage) };
    },
    async UpdateStage({ restApiId, stageName, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = findStage(api, stageName);
        const { settings, others } = patchedSettings(presentStage(before).methodSettings ?? {}, patchOperations);
        const form = patched(presentStage(before), others, PATCHABLES);
        const { description = null, deploymentId = "", variables = {}, accessLogSettings: log = {} } = form;
        checkVariables(variables);
        if (typeof log !== "object") throw badRequest("accessLogSettings has destinationArn and format");
        const changes = {
          description,
          variables,
          deploymentId: findDeployment(api, deploymentId).id,
          isTraced: form.tracingEnabled ?? false,
          accessLog: readAccessLog(apis.parts.scope, log.destinationArn, log.format),
          methodSettings: readSettings(settings),
        };
        const stage = { ...before, ...changes, lastUpdatedMs: apis.nowMs };
        return { api: withStage(api, stage), result: stage };
      });
      return presentStage(updated);
    },
    async DeleteStage({ restApiId, stageName }) {
      await apis.change(restApiId, (api) => {
        const gone = findStage(api, stageName);
        return { api: { ...api, stages: api.stages.filter((each) => each !== gone) }, result: undefined };
      });
      return {};
    },
    /** Nothing is kept that could be flushed. */
    ...deploymentOperations(apis),
  };
}

function deploymentOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async CreateDeployment(input) {
      checkHonoured("CreateDeployment", input);
      const made = await apis.change(input.restApiId, async (api) => {
        checkDeployable(api);
        await checkModels(api);
        const { description = null } = input;
        const deployment: RestDeploymentRecord = { id: apis.newId(), description, createdAtMs: apis.nowMs };
        const deployed = { ...api, deployments: [...api.deployments, deployment] };
        const writes = [freeze(api, deployment.id)];
        return { api: staged(apis, deployed, deployment.id, input), writes, result: deployment };
      });
      return presentDeployment(made);
    },
    async GetDeployment({ restApiId, deploymentId, embed = [] }) {
      const deployment = findDeployment(await apis.find(restApiId), deploymentId);
      if (!embed.includes("apisummary")) return presentDeployment(deployment);
      const frozen = await apis.parts.store.getAccountEntry("restFrozen", frozenId(restApiId, deploymentId));
      return { ...presentDeployment(deployment), apiSummary: summaryOf(frozen) };
    },
    async GetDeployments(input) {
      return pageOf((await apis.find(input.restApiId)).deployments, ({ id }) => id, presentDeployment, input);
    },
    async UpdateDeployment({ restApiId, deploymentId, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = findDeployment(api, deploymentId);
        const form = patched(presentDeployment(before), patchOperations, { "/description": "text" });
        const deployment = { ...before, description: form.description ?? null };
        const deployments = api.deployments.map((each) => (each === before ? deployment : each));
        return { api: { ...api, deployments }, result: deployment };
      });
      return presentDeployment(updated);
    },
    async DeleteDeployment({ restApiId, deploymentId }) {
      await apis.change(restApiId, async (api) => {
        const gone = findDeployment(api, deploymentId);
        if (api.stages.some((each) => each.deploymentId === gone.id))
          throw badRequest("Active stages pointing to this deployment must be moved or deleted");
        return {
          api: { ...api, deployments: api.deployments.filter((each) => each !== gone) },
          writes: await apis.removalOf(restApiId, deploymentId),
          result: undefined,
        };
      });
      return {};
    },
  };
}

function checkDeployable({ resources, deployments }: RestApiRecord): void {
  const methods = resources.flatMap((each) => Object.values(each.methods));
  if (methods.length === 0) throw badRequest("The REST API doesn't contain any methods");
  if (methods.some(({ integration }) => integration === null)) throw badRequest("No integration defined for method");
  if (deployments.length >= DEPLOYMENTS_MAX)
    throw badRequest(`An API has at most ${DEPLOYMENTS_MAX} deployments: delete some`);
}

/** A deployment with a stage's name is what that stage serves from now on; it is made where it is not there. */
function staged(
  apis: StoredRestApis,
  api: RestApiRecord,
  deploymentId: string,
  {
    stageName,
    stageDescription,
    variables,
    tracingEnabled: isTraced = false,
  }: OperationTypes["CreateDeployment"]["input"],
): RestApiRecord {
  if (stageName === undefined || stageName === "") return api;
  const before = api.stages.find(({ name }) => name === stageName);
  const settings = {
    deploymentId,
    description: stageDescription ?? before?.description ?? null,
    variables: variables ?? before?.variables ?? {},
    lastUpdatedMs: apis.nowMs,
  };
  if (before !== undefined) {
    checkVariables(settings.variables);
    return withStage(api, { ...before, ...settings });
  }
  const traffic = { ...NO_TRAFFIC, isTraced };
  return added(api, { name: stageName, tags: {}, createdAtMs: apis.nowMs, ...traffic, ...settings }).api;
}

function added(
  api: RestApiRecord,
  stage: RestStageRecord,
): { readonly api: RestApiRecord; readonly result: RestStageRecord } {
  if (!isStageName(stage.name)) throw badRequest("Stage name only allows a-zA-Z0-9_-, up to 128 characters");
  if (api.stages.length >= STAGES_MAX) throw badRequest(`An API has at most ${STAGES_MAX} stages`);
  checkVariables(stage.variables);
  return { api: { ...api, stages: [...api.stages, stage] }, result: stage };
}

export function withStage(api: RestApiRecord, stage: RestStageRecord): RestApiRecord {
  return { ...api, stages: api.stages.map((each) => (each.name === stage.name ? stage : each)) };
}

/** Models are kept where bodies are checked by them. */
function freeze(api: RestApiRecord, deploymentId: string): Write {
  const { binaryMediaTypes, resources, gatewayResponses, authorizers, models, validators = [] } = api;
  const checked = validators.some(({ isBodyChecked }) => isBodyChecked) ? { models } : {};
  const parts = { binaryMediaTypes, resources, gatewayResponses, authorizers, validators, ...checked };
  const record = { id: frozenId(api.id, deploymentId), ...parts };
  return { op: "put", kind: "restFrozen", record, over: null };
}

/** Throws a BadRequestException where bodies could not be checked as a validator asks. */
async function checkModels(api: RestApiRecord): Promise<void> {
  const wanted = methodsOf(api).flatMap(({ method, place }) =>
    checkedModels(api, method).map((model) => [model, place] as const),
  );
  const expression = wanted.length === 0 ? null : await loadLinearExpressions();
  for (const [model, place] of new Map(wanted))
    try {
      if (expression !== null) compileModel(api, model, expression);
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      throw badRequest(`The model ${model}, by which ${place} checks bodies: ${error.message}`);
    }
}

function summaryOf(frozen: RestFrozenRecord | null): NonNullable<Deployment["apiSummary"]> {
  const entries = (frozen?.resources ?? []).flatMap(({ path, methods }) => {
    const shown = Object.entries(methods).map(
      ([name, { authorizationType }]) => [name, { authorizationType, apiKeyRequired: false }] as const,
    );
    return shown.length === 0 ? [] : [[path, Object.fromEntries(shown)] as const];
  });
  return Object.fromEntries(entries);
}

export function findStage({ stages }: RestApiRecord, name: string): RestStageRecord {
  const found = stages.find((each) => each.name === name);
  if (found === undefined) throw notFound("Invalid stage identifier specified");
  return found;
}

function findDeployment({ deployments }: RestApiRecord, id: string): RestDeploymentRecord {
  const found = deployments.find((each) => each.id === id);
  if (found === undefined) throw notFound("Invalid Deployment identifier specified");
  return found;
}
