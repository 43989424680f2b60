/**
 * Routes for monitoring, without credentials: on the main listener only whether the server lives and is ready, on a
 * listener of its own (--metrics) the metrics too, which name functions.
 *
 *   GET /healthz         as /healthz/ready
 *   GET /healthz/live    200 while the process can answer
 *   GET /healthz/ready   200 while invokes are taken; 503 with the reason while it starts to stop, or has lost sandboxd
 *   GET /metrics         Prometheus's text
 */
import fastify, { type FastifyInstance } from "fastify";

export interface Health {
  /** Null when invokes are taken; else why not. */
  notReady(): string | null;
}

export interface Figures {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Adds the health routes, which need no signature. */
export function addHealthRoutes(app: FastifyInstance, health: Health): void {
  app.get("/healthz/live", (_request, reply) => reply.send({ status: "ok" }));
  for (const path of ["/healthz", "/healthz/ready"])
    app.get(path, (_request, reply) => {
      const reason = health.notReady();
      return reason === null ? reply.send({ status: "ok" }) : reply.code(503).send({ status: "not ready", reason });
    });
}

/** Creates the listener for monitoring alone. */
export function createObservabilityServer(health: Health, figures: Figures): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
  addHealthRoutes(app, health);
  app.get("/metrics", async (_request, reply) =>
    reply.header("Content-Type", figures.contentType).send(await figures.text()),
  );
  return app;
}
