/** Tags of REST APIs and of their stages. */
import type { OperationTypes } from "@thaw/aws-api/apigateway";
import type { RestApiRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { notFound } from "../gateways/refusals.ts";
import { checkTags, type Tags } from "../gateways/tags.ts";
import { findStage, withStage } from "./stages.ts";
import type { StoredRestApis } from "./stored-rest-apis.ts";

const ARN = /^arn:aws:apigateway:([a-z0-9-]+)::\/restapis\/([a-z0-9]+)(?:\/stages\/([A-Za-z0-9_-]+))?$/;

export function tagOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  const change = async (arn: string, edit: (tags: Tags) => Tags): Promise<Record<string, never>> => {
    const [apiId, stageName] = readArn(apis, arn);
    await apis.change(apiId, (api) => ({ api: withTags(api, stageName, edit), result: undefined }));
    return {};
  };
  return {
    async GetTags({ resourceArn }) {
      const [apiId, stageName] = readArn(apis, resourceArn);
      const api = await apis.find(apiId);
      return { tags: stageName === null ? api.tags : findStage(api, stageName).tags };
    },
    TagResource: ({ resourceArn, tags: given }, { caller }) =>
      change(resourceArn, (tags) => checkTags(tags, given, caller)),
    UntagResource: ({ resourceArn, tagKeys }) =>
      change(resourceArn, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !tagKeys.includes(key)))),
  };
}

function readArn({ parts }: StoredRestApis, arn: string): readonly [apiId: string, stageName: string | null] {
  const [, region, apiId, stageName] = ARN.exec(arn) ?? [];
  if (apiId === undefined || region !== parts.scope.region)
    throw notFound(`Invalid resource ARN specified ${arn.slice(0, 200)}`);
  return [apiId, stageName ?? null];
}

function withTags(api: RestApiRecord, stageName: string | null, edit: (tags: Tags) => Tags): RestApiRecord {
  if (stageName === null) return { ...api, tags: edit(api.tags) };
  const stage = findStage(api, stageName);
  return withStage(api, { ...stage, tags: edit(stage.tags) });
}
