/** All types whose service is at an endpoint that the operator names. */
import type { Handler } from "../handler.ts";
import { QUEUES } from "./queue.ts";
import { SECRET } from "./secret.ts";
import { STREAM } from "./stream.ts";
import { SUBSCRIPTION } from "./subscription.ts";
import { TABLE } from "./table.ts";
import { TOPICS } from "./topic.ts";

export const PASSED_HANDLERS: readonly Handler[] = [...QUEUES, ...TOPICS, SUBSCRIPTION, SECRET, STREAM, TABLE];
