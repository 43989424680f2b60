export { createAwsServices } from "../aws/create-services.ts";
export type { Scopes } from "../http/scopes.ts";
export { createHttpServer, type HttpServer, type HttpServerOptions } from "../http/server.ts";
export { createDiskLogStore } from "../logs/disk-log-store.ts";
export { createObjectDirectory } from "../objects/object-directory.ts";
