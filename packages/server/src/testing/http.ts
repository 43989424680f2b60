export { createAwsServices } from "../aws/create-services.ts";
export type { Scopes } from "../http/scopes.ts";
export { createHttpServer, type HttpServer, type HttpServerOptions } from "../http/server.ts";
export { createS3 } from "../aws/s3/create-s3.ts";
export { createDiskLogStore } from "../logs/disk-log-store.ts";
export { openObjectDirectory } from "../objects/object-directory.ts";
