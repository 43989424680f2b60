import { request } from "node:https";

const instance = crypto.randomUUID();

export const handler = () =>
  new Promise((resolve, reject) => {
    const options = {
      host: process.env.OUTSIDE,
      port: 8082,
      headers: { "x-instance": instance },
      rejectUnauthorized: false,
    };
    const sent = request(options, (response) => response.resume().on("end", () => resolve({ ok: true })));
    sent.on("error", reject).end();
  });
