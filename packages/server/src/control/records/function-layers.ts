/**
 * The layers of a function: found when the request names them, and kept by content from then on, so that nothing that
 * becomes of a layer later changes a function. Merged at the same time, so that they cost nothing at a start.
 */
import { invalidParameter } from "../../model/api-error.ts";
import type { CodeInfo } from "../../model/code-info.ts";
import type { FunctionConfig } from "../../model/function-record.ts";
import {
  accessDenied,
  type FunctionLayer,
  layerArn,
  layerVersionId,
  optNameOf,
  parseLayerArn,
} from "../../model/layer-record.ts";
import type { ControlServices } from "../services.ts";

const LAYERS_MAX = 5;
/** Code and layers together, unpacked. */
const SIZE_BYTES_MAX = 262_144_000;

type Needs = Pick<ControlServices, "scope" | "store" | "code" | "sharedLayer">;

export class FunctionLayers {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Finds the layers that a request names. Throws in AWS's words where there are too many, where one is not there,
   * or another account's that has not shared it, and where two are versions of the same one.
   */
  async find(arns: readonly string[]): Promise<readonly FunctionLayer[]> {
    if (arns.length > LAYERS_MAX) throw invalidParameter(`Cannot reference more than ${LAYERS_MAX} layers.`);
    const found: FunctionLayer[] = [];
    const seen = new Map<string, string>();
    for (const arn of arns) {
      const { name, layer } = await this.#findOne(arn);
      const other = seen.get(name);
      if (other !== undefined)
        throw invalidParameter(
          `Two different versions of the same layer are not allowed to be referenced in the same function. ${other} and ${arn} are versions of the same layer.`,
        );
      seen.set(name, arn);
      found.push(layer);
    }
    return found;
  }

  /**
   * Merges the layers, and checks them with the code. Throws an InvalidParameterValueException where they are too large
   * together.
   */
  async prepare(config: FunctionConfig, code: CodeInfo): Promise<void> {
    await this.checkSize(config, code);
    await this.merge(config);
  }

  /** Throws an InvalidParameterValueException where code and layers are too large together. */
  async checkSize({ layers = [] }: FunctionConfig, code: CodeInfo): Promise<void> {
    // Alone the code was checked when it was unpacked.
    if (layers.length === 0) return;
    let sizeBytes = await this.#services.code.unpackedSizeOf(code.codeName);
    for (const { codeName } of layers) sizeBytes += await this.#services.code.unpackedSizeOf(codeName);
    if (sizeBytes > SIZE_BYTES_MAX)
      throw invalidParameter(
        `Function code combined with layers exceeds the maximum allowed size of ${SIZE_BYTES_MAX} bytes. The actual size is ${sizeBytes} bytes.`,
      );
  }

  /** Merges the layers where that has not been done. */
  async merge({ layers = [] }: FunctionConfig): Promise<void> {
    const optName = optNameOf(layers);
    if (optName === null) return;
    await this.#services.code.merge(
      optName,
      layers.map(({ codeName }) => codeName),
    );
  }

  async #findOne(arn: string): Promise<{ readonly name: string; readonly layer: FunctionLayer }> {
    const { scope, store, sharedLayer } = this.#services;
    const parts = parseLayerArn(arn);
    if (parts === null || parts.version === null) throw missing(arn);
    const isOwn = parts.accountId === scope.accountId;
    if (!isOwn && parts.region !== scope.region) throw accessDenied(scope, arn);
    if (parts.region !== scope.region)
      throw invalidParameter(
        `Layers are not in the same region as the function. Layers are expected to be in region ${scope.region}.`,
      );
    const version = isOwn
      ? await store.getAccountEntry("layerVersion", layerVersionId(parts.name, parts.version))
      : await sharedLayer(parts, parts.name, parts.version);
    if (version === null) throw isOwn ? missing(arn) : accessDenied(scope, arn);
    const { codeName, codeSizeBytes } = version.code;
    return { name: layerArn(parts, parts.name), layer: { arn, codeName, codeSizeBytes } };
  }
}

function missing(arn: string): Error {
  return invalidParameter(`Layer version ${arn} does not exist.`);
}
