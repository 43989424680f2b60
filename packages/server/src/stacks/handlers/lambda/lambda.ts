/** The types of AWS Lambda. */
import type { Handler } from "../handler.ts";
import { CODE_SIGNING_CONFIG, EVENT_INVOKE_CONFIG, PERMISSION, URL } from "./access.ts";
import { EVENT_SOURCE_MAPPING } from "./event-source-mapping.ts";
import { FUNCTION } from "./function.ts";
import { LAYER_VERSION, LAYER_VERSION_PERMISSION } from "./layers.ts";
import { ALIAS, VERSION } from "./versions.ts";

export const LAMBDA_HANDLERS: readonly Handler[] = [
  ALIAS,
  CODE_SIGNING_CONFIG,
  EVENT_INVOKE_CONFIG,
  EVENT_SOURCE_MAPPING,
  FUNCTION,
  LAYER_VERSION,
  LAYER_VERSION_PERMISSION,
  PERMISSION,
  URL,
  VERSION,
];
