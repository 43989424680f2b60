/** A web application of Express that knows nothing of Lambda. */
import { randomUUID } from "node:crypto";
import express from "express";

const PIECE = "x".repeat(65_536);
const app = express();
app.use(express.json());
// Drawn in Init, so that the generators' caches are full at the snapshot.
const atStart = [Math.random(), randomUUID()];

app.get("/", (_request, response) => response.send("ready"));
app.get("/pets/:id", (request, response) => response.json({ id: request.params.id, lang: request.query.lang }));
app.post("/pets", (request, response) => {
  response.status(201).cookie("session", "s1").json({ name: request.body.name });
});
app.get("/numbers", (_request, response) => response.json({ atStart, now: [Math.random(), randomUUID()] }));
app.get("/stream", async (request, response) => {
  response.status(202).type("text/plain");
  for (let left = Number(request.query.pieces); left > 0; left -= 1)
    if (!response.write(PIECE)) await new Promise((resolve) => response.once("drain", resolve));
  response.end("end");
});

app.listen(Number(process.env.AWS_LWA_PORT));
