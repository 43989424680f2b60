/** A service whose requests name their operation: its model, its protocol and the types of its operations. */
import type { ServiceModel } from "./model.ts";
import type { RpcProtocol } from "./protocols/rpc.ts";

/** Operations as the generator types them. */
export type TypesOf<T> = { readonly [K in keyof T]: { readonly input: object; readonly output: object } };

export interface ServiceApi<T extends TypesOf<T>> {
  readonly model: ServiceModel<keyof T & string>;
  readonly protocol: RpcProtocol<keyof T & string>;
}
