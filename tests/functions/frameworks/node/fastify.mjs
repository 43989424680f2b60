/** An application of fastify behind its own adapter. */
import awsLambdaFastify from "@fastify/aws-lambda";
import fastify from "fastify";

const app = fastify();
app.get("/pets/:id", async (request) => ({ id: request.params.id, lang: request.query.lang ?? "en" }));
app.post("/pets", async (request, reply) => {
  reply.code(201);
  return { name: request.body.name };
});

export const handler = awsLambdaFastify(app);
await app.ready();
