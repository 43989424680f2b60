import { lookup } from "node:dns/promises";

const { address } = await lookup(process.env.BACKEND);

export const handler = async () => (await fetch(`http://${address}:8080/connection`)).status;
