/** Tags of APIs and of their stages. */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import type { HttpApiRecord } from "../../model/http-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { checkTags, type Tags } from "../gateways/tags.ts";
import { findStage } from "./find-parts.ts";
import { noSuch, type StoredApis } from "./stored-apis.ts";

const ARN = /^arn:aws:apigateway:([a-z0-9-]+)::\/apis\/([a-z0-9]+)(?:\/stages\/([A-Za-z0-9_$-]+))?$/;

export function tagOperations(apis: StoredApis): ServiceOperations<OperationTypes> {
  const change = async (arn: string, edit: (tags: Tags) => Tags): Promise<Record<string, never>> => {
    const [apiId, stageName] = readArn(apis, arn);
    await apis.change(apiId, (api) => ({ api: withTags(api, stageName, edit), result: undefined }));
    return {};
  };
  return {
    async GetTags({ ResourceArn }) {
      const [apiId, stageName] = readArn(apis, ResourceArn);
      const api = await apis.find(apiId);
      return { Tags: stageName === null ? api.tags : findStage(api, stageName).tags };
    },
    TagResource: ({ ResourceArn, Tags: given = {} }, { caller }) =>
      change(ResourceArn, (tags) => checkTags(tags, given, caller)),
    UntagResource: ({ ResourceArn, TagKeys }) =>
      change(ResourceArn, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !TagKeys.includes(key)))),
  };
}

function readArn({ parts }: StoredApis, arn: string): readonly [apiId: string, stageName: string | null] {
  const [, region, apiId, stageName] = ARN.exec(arn) ?? [];
  if (apiId === undefined || region !== parts.scope.region) throw noSuch("resource ARN", arn.slice(0, 200));
  return [apiId, stageName ?? null];
}

function withTags(api: HttpApiRecord, stageName: string | null, edit: (tags: Tags) => Tags): HttpApiRecord {
  if (stageName === null) return { ...api, tags: edit(api.tags) };
  const stage = findStage(api, stageName);
  const stages = api.stages.map((each) => (each === stage ? { ...each, tags: edit(each.tags) } : each));
  return { ...api, stages };
}
