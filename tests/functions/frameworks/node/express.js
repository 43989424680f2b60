/** An application of Express behind serverless-http. */
const { randomUUID } = require("node:crypto");
const express = require("express");
const serverless = require("serverless-http");

const app = express();
app.use(express.json());
const pets = new Map([["1", "Rex"]]);

app.get("/pets/:id", (request, response) => {
  const name = pets.get(request.params.id);
  if (name === undefined) response.status(404).json({ message: "no such pet" });
  else response.json({ name });
});

app.post("/pets", (request, response) => {
  const id = randomUUID();
  pets.set(id, request.body.name);
  response.status(201).cookie("session", "s1").json({ id });
});

exports.handler = serverless(app);
