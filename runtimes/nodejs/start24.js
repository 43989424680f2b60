/*
 * Follows AWS's client for Node.js 24 in one file (tools/build-runtimes.sh), whose names it uses. AWS's part has started
 * by now, and goes on when this has run.
 */
import { client, watchStreams } from "./client.mjs";

watchStreams(RAPIDClient.prototype);
RAPIDClient.loadNativeClient = async () => client;
// It wants variables that tell the log stream, which a clone does not share with the snapshot.
ContextBuilder.validateEnvironment = () => {};
