/* Follows AWS's client for Node.js 20 and 22 in one file (tools/build-runtimes.sh), whose names it uses. */
import { client, watchStreams } from "./client.mjs";

watchStreams(RAPIDClient.prototype);
require_NativeModuleLoader().load = () => client;
await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
