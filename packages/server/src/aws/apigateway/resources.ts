/** Resources: the paths of a REST API. */
import type { OperationTypes } from "@thaw/aws-api/apigateway";
import type { RestApiRecord, RestResourceRecord } from "../../model/rest-api/record.ts";
import { isGreedy, isPathPart } from "../../model/rest-api/resources.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, conflict } from "../gateways/refusals.ts";
import { pageOf } from "./pages.ts";
import { patched } from "./patches.ts";
import { presentResource } from "./present.ts";
import { findResource, type StoredRestApis } from "./stored-rest-apis.ts";

/** AWS's quota of an API. */
const RESOURCES_MAX = 300;

export function resourceOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async CreateResource({ restApiId, parentId, pathPart }) {
      const made = await apis.change(restApiId, (api) => {
        const resource = newResource(api, apis.newId(), findResource(api, parentId), pathPart);
        return { api: { ...api, resources: [...api.resources, resource] }, result: resource };
      });
      return presentResource(made);
    },
    async GetResource({ restApiId, resourceId, embed }) {
      return presentResource(findResource(await apis.find(restApiId), resourceId), isWhole(embed));
    },
    async GetResources(input) {
      const { resources } = await apis.find(input.restApiId);
      return pageOf(
        resources,
        ({ path }) => path,
        (each) => presentResource(each, isWhole(input.embed)),
        input,
      );
    },
    async UpdateResource({ restApiId, resourceId, patchOperations }) {
      const updated = await apis.change(restApiId, (before) => {
        const resource = findResource(before, resourceId);
        const { parentId, pathPart } = patched(
          { parentId: resource.parentId ?? "", pathPart: resource.pathPart },
          patchOperations,
          {
            "/pathPart": "text",
            "/parentId": "text",
          },
        );
        if (resource.parentId === null) throw badRequest("Root resource cannot be updated");
        const api = moved(before, resource, findResource(before, parentId), pathPart);
        return { api, result: findResource(api, resourceId) };
      });
      return presentResource(updated);
    },
    async DeleteResource({ restApiId, resourceId }) {
      await apis.change(restApiId, (api) => {
        const gone = findResource(api, resourceId);
        if (gone.parentId === null) throw badRequest("Root resource cannot be deleted");
        const below = new Set(withChildren(api, gone).map(({ id }) => id));
        return { api: { ...api, resources: api.resources.filter(({ id }) => !below.has(id)) }, result: undefined };
      });
      return {};
    },
  };
}

function isWhole(embed: readonly string[] | undefined): boolean {
  const unknown = embed?.find((each) => each !== "methods");
  if (unknown !== undefined) throw badRequest(`embed ${unknown.slice(0, 40)} is not supported: methods is`);
  return embed !== undefined && embed.length > 0;
}

/** Throws a BadRequestException or a ConflictException where there can't be such a resource. */
export function newResource(
  { resources }: RestApiRecord,
  id: string,
  parent: RestResourceRecord,
  pathPart: string,
): RestResourceRecord {
  if (!isPathPart(pathPart))
    throw badRequest(
      "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.",
    );
  if (isGreedy(parent.pathPart))
    throw badRequest(`Cannot create a child of a resource with a greedy path variable: ${parent.path}`);
  if (resources.length >= RESOURCES_MAX) throw badRequest(`An API has at most ${RESOURCES_MAX} resources`);
  const siblings = resources.filter((each) => each.parentId === parent.id && each.id !== id);
  if (siblings.some((each) => each.pathPart === pathPart))
    throw conflict(`Another resource with the same parent already has this name: ${pathPart}`);
  const variable = siblings.find(
    (each) => each.pathPart.startsWith("{") && isGreedy(each.pathPart) === isGreedy(pathPart),
  );
  if (pathPart.startsWith("{") && variable !== undefined)
    throw badRequest(
      `A sibling (${variable.pathPart}) of this resource already has a variable path part -- only one is allowed`,
    );
  return { id, parentId: parent.id, pathPart, path: pathOf(parent, pathPart), methods: {} };
}

function pathOf(parent: Pick<RestResourceRecord, "path">, pathPart: string): string {
  return parent.path === "/" ? `/${pathPart}` : `${parent.path}/${pathPart}`;
}

/** A resource and all below it, those that stand nearer to the root first. */
function withChildren({ resources }: RestApiRecord, root: RestResourceRecord): readonly RestResourceRecord[] {
  const found = [root];
  for (const each of found) found.push(...resources.filter(({ parentId }) => parentId === each.id));
  return found;
}

/** Gives the API with a resource at another place, and all below it. */
function moved(
  api: RestApiRecord,
  resource: RestResourceRecord,
  parent: RestResourceRecord,
  pathPart: string,
): RestApiRecord {
  const family = withChildren(api, resource);
  if (family.some(({ id }) => id === parent.id)) throw badRequest("A resource cannot be moved below itself");
  const others = { ...api, resources: api.resources.filter(({ id }) => id !== resource.id) };
  const placed = { ...newResource(others, resource.id, parent, pathPart), methods: resource.methods };
  const byId = new Map<string, RestResourceRecord>([[placed.id, placed]]);
  for (const each of family.slice(1)) {
    const above = byId.get(each.parentId ?? "");
    if (above !== undefined) byId.set(each.id, { ...each, path: pathOf(above, each.pathPart) });
  }
  return { ...api, resources: api.resources.map((each) => byId.get(each.id) ?? each) };
}
