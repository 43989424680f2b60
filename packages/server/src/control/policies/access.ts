/**
 * What other accounts may do here, by the resource policies of functions and of versions of layers. The account's own
 * keys are not asked: they may do everything.
 */
import { LATEST } from "../../model/function-record.ts";
import { layerVersionId, type LayerVersionRecord } from "../../model/layer-record.ts";
import { rootArn } from "../../model/caller.ts";
import type { ControlServices } from "../services.ts";
import { allows, organizationKeys, type Principal } from "./statements.ts";

/** What AddLayerVersionPermission can allow. */
const LAYER_ACTION = "lambda:GetLayerVersion";

export interface FunctionAccess {
  readonly name: string;
  readonly qualifier: string | null;
  readonly action: string;
  readonly principal: Principal;
}

export class Access {
  readonly #services: Pick<ControlServices, "store" | "organizationId">;

  constructor(services: Pick<ControlServices, "store" | "organizationId">) {
    this.#services = services;
  }

  /** A version and an alias have policies of their own: that of the function says nothing of them. */
  async allowsFunction({ name, qualifier, action, principal }: FunctionAccess): Promise<boolean> {
    const policy = await this.#services.store.getSetting("policy", name, qualifier ?? LATEST);
    return allows(policy?.statements ?? [], { action, principal, keys: organizationKeys(this.#services) });
  }

  /** Null where it is not there, or may not be read by the principal: nobody is told which. */
  async sharedLayer(name: string, version: number, principal: Principal): Promise<LayerVersionRecord | null> {
    const found = await this.#services.store.getAccountEntry("layerVersion", layerVersionId(name, version));
    if (found === null) return null;
    const isShared = found.policy.some(
      ({ action, principal: allowed, organizationId }) =>
        (organizationId === null || organizationId === this.#services.organizationId) &&
        action === LAYER_ACTION &&
        ["*", principal.accountId, rootArn(principal.accountId), principal.principalArn].includes(allowed),
    );
    return isShared ? found : null;
  }
}
