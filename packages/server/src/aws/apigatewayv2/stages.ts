/** Stages and deployments of an HTTP API. */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import {
  DEFAULT_STAGE,
  frozenId,
  type HttpApiRecord,
  type HttpDeploymentRecord,
  type HttpStageRecord,
} from "../../model/http-api/record.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { findStage } from "./find-parts.ts";
import { NO_SETTINGS, trafficOf } from "./route-settings.ts";
import { badRequest, conflict } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { pageOf } from "./pages.ts";
import { presentDeployment, presentStage } from "./present.ts";
import { noSuch, PART_ID_LENGTH, type StoredApis } from "./stored-apis.ts";
import { checkVariables, DEPLOYMENTS_MAX, isStageName, STAGES_MAX } from "../gateways/stages.ts";
import { checkTags } from "../gateways/tags.ts";

type Given = Partial<OperationTypes["CreateStage"]["input"]>;

export function stageOperations(apis: StoredApis): ServiceOperations<OperationTypes> {
  return {
    async CreateStage(input, { caller }) {
      checkHonoured("CreateStage", input);
      const made = await apis.change(input.ApiId, (api) => {
        if (api.stages.length >= STAGES_MAX) throw badRequest(`An API has at most ${STAGES_MAX} stages`);
        if (api.stages.some(({ name }) => name === input.StageName)) throw conflict("Stage already exists");
        const bare = newStage(input.StageName, apis.parts.clock.nowMs());
        const stage = withSettings(apis, api, { ...bare, tags: checkTags({}, input.Tags ?? {}, caller) }, input);
        return settle(apis, { ...api, stages: [...api.stages, stage] }, stage);
      });
      return presentStage(made);
    },
    async UpdateStage(input) {
      checkHonoured("UpdateStage", input);
      const made = await apis.change(input.ApiId, (api) => {
        const before = findStage(api, input.StageName);
        const stage = { ...withSettings(apis, api, before, input), lastUpdatedMs: apis.parts.clock.nowMs() };
        const stages = api.stages.map((each) => (each.name === stage.name ? stage : each));
        const changed = { ...api, stages };
        // From now on it serves what it served until now.
        const isFreezing = before.isAutoDeployed && !stage.isAutoDeployed && stage.deploymentId !== null;
        return isFreezing
          ? { api: changed, writes: [freeze(api, stage.deploymentId ?? "")], result: stage }
          : settle(apis, changed, stage);
      });
      return presentStage(made);
    },
    async GetStage({ ApiId, StageName }) {
      return presentStage(findStage(await apis.find(ApiId), StageName));
    },
    async GetStages(input) {
      const { stages } = await apis.find(input.ApiId);
      return pageOf(stages, ({ name }) => name, presentStage, input);
    },
    async DeleteStage({ ApiId, StageName }) {
      await apis.change(ApiId, (api) => {
        const gone = findStage(api, StageName);
        return { api: { ...api, stages: api.stages.filter((each) => each !== gone) }, result: undefined };
      });
      return {};
    },
    async DeleteAccessLogSettings({ ApiId, StageName }) {
      await apis.change(ApiId, (api) => changed(api, StageName, (stage) => ({ ...stage, accessLog: null })));
      return {};
    },
    async DeleteRouteSettings({ ApiId, StageName, RouteKey }) {
      await apis.change(ApiId, (api) =>
        changed(api, StageName, ({ routeSettings, ...stage }) => {
          const { [RouteKey]: _gone, ...kept } = routeSettings;
          return { ...stage, routeSettings: kept };
        }),
      );
      return {};
    },
    ...deploymentOperations(apis),
  };
}

function deploymentOperations(apis: StoredApis): ServiceOperations<OperationTypes> {
  return {
    async CreateDeployment(input) {
      checkHonoured("CreateDeployment", input);
      const made = await apis.change(input.ApiId, (api) => {
        if (api.routes.length === 0) throw badRequest("Unable to deploy API because no routes exist in this API");
        if (api.deployments.length >= DEPLOYMENTS_MAX)
          throw badRequest(`An API has at most ${DEPLOYMENTS_MAX} deployments: delete some`);
        const stage = input.StageName === undefined ? null : findStage(api, input.StageName);
        if (stage?.isAutoDeployed === true)
          throw badRequest(`Stage '${stage.name}' deploys by itself (AutoDeploy): name another one, or none`);
        const nowMs = apis.parts.clock.nowMs();
        const deployment: HttpDeploymentRecord = {
          id: apis.newId(PART_ID_LENGTH),
          description: input.Description ?? null,
          isAutomatic: false,
          createdAtMs: nowMs,
        };
        const stages = api.stages.map((each) =>
          each === stage ? { ...each, deploymentId: deployment.id, lastUpdatedMs: nowMs } : each,
        );
        return {
          api: { ...api, stages, deployments: [...api.deployments, deployment] },
          writes: [freeze(api, deployment.id)],
          result: deployment,
        };
      });
      return presentDeployment(made);
    },
    async UpdateDeployment(input) {
      checkHonoured("UpdateDeployment", input);
      const made = await apis.change(input.ApiId, (api) => {
        const before = findDeployment(api, input.DeploymentId);
        const updated = { ...before, description: input.Description ?? before.description };
        const deployments = api.deployments.map((each) => (each === before ? updated : each));
        return { api: { ...api, deployments }, result: updated };
      });
      return presentDeployment(made);
    },
    async GetDeployment({ ApiId, DeploymentId }) {
      return presentDeployment(findDeployment(await apis.find(ApiId), DeploymentId));
    },
    async GetDeployments(input) {
      const { deployments } = await apis.find(input.ApiId);
      return pageOf(deployments, ({ id }) => id, presentDeployment, input);
    },
    async DeleteDeployment({ ApiId, DeploymentId }) {
      await apis.change(ApiId, async (api) => {
        const gone = findDeployment(api, DeploymentId);
        const user = api.stages.find(({ deploymentId }) => deploymentId === gone.id);
        if (user !== undefined)
          throw badRequest(`Active stages pointing to this deployment must be moved or deleted: '${user.name}'`);
        return {
          api: { ...api, deployments: api.deployments.filter((each) => each !== gone) },
          writes: await apis.removalOf(ApiId, DeploymentId),
          result: undefined,
        };
      });
      return {};
    },
  };
}

/** A stage that deploys by itself has a deployment as soon as there is something. */
function settle(apis: StoredApis, api: HttpApiRecord, stage: HttpStageRecord) {
  const isFresh = stage.isAutoDeployed && stage.deploymentId === null && api.routes.length > 0;
  const settled = isFresh ? apis.deployed(api) : api;
  return { api: settled, result: findStage(settled, stage.name) };
}

function changed(api: HttpApiRecord, name: string, edit: (stage: HttpStageRecord) => HttpStageRecord) {
  const before = findStage(api, name);
  return {
    api: { ...api, stages: api.stages.map((each) => (each === before ? edit(each) : each)) },
    result: undefined,
  };
}

export function newStage(name: string, nowMs: number): HttpStageRecord {
  const times = { createdAtMs: nowMs, lastUpdatedMs: nowMs };
  const nothing = {
    description: null,
    isAutoDeployed: false,
    deploymentId: null,
    variables: {},
    tags: {},
    accessLog: null,
    routeDefaults: NO_SETTINGS,
    routeSettings: {},
    authorizerResets: 0,
  };
  return { name, ...nothing, ...times, isManaged: false };
}

function withSettings(
  { parts }: StoredApis,
  api: HttpApiRecord,
  before: HttpStageRecord,
  given: Given,
): HttpStageRecord {
  if (before.name !== DEFAULT_STAGE && !isStageName(before.name))
    throw badRequest("Stage name only allows a-zA-Z0-9_-, up to 128 characters, or $default");
  const { AutoDeploy: isAutoDeployed = before.isAutoDeployed, DeploymentId: deployment } = given;
  if (isAutoDeployed && deployment !== undefined)
    throw badRequest("DeploymentId can't be given for a stage that deploys by itself (AutoDeploy)");
  const { StageVariables: variables = before.variables, Description: description = before.description } = given;
  checkVariables(variables);
  const deploymentId = deployment === undefined ? before.deploymentId : findDeployment(api, deployment).id;
  const own = { isAutoDeployed, deploymentId, variables, description };
  return { ...before, ...own, ...trafficOf(parts.scope, api, before, given) };
}

function freeze({ id, routes, integrations, authorizers }: HttpApiRecord, deploymentId: string): Write {
  const record = { id: frozenId(id, deploymentId), routes, integrations, authorizers };
  return { op: "put", kind: "httpFrozen", record, over: null };
}

function findDeployment({ deployments }: HttpApiRecord, id: string): HttpDeploymentRecord {
  const found = deployments.find((each) => each.id === id);
  if (found === undefined) throw noSuch("Deployment", id);
  return found;
}
