/** Finds the parts of an API, or refuses as AWS does where one is not there. */
import type {
  HttpApiRecord,
  HttpAuthorizerRecord,
  HttpIntegrationRecord,
  HttpStageRecord,
} from "../../model/http-api/record.ts";
import { noSuch } from "./stored-apis.ts";

export function findStage({ stages }: HttpApiRecord, name: string): HttpStageRecord {
  const found = stages.find((each) => each.name === name);
  if (found === undefined) throw noSuch("stage", name);
  return found;
}

export function findIntegration({ integrations }: HttpApiRecord, id: string): HttpIntegrationRecord {
  const found = integrations.find((each) => each.id === id);
  if (found === undefined) throw noSuch("Integration", id);
  return found;
}

export function findAuthorizer({ authorizers }: HttpApiRecord, id: string): HttpAuthorizerRecord {
  const found = authorizers.find((each) => each.id === id);
  if (found === undefined) throw noSuch("Authorizer", id);
  return found;
}
