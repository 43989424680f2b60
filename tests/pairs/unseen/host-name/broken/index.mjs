import { hostname } from "node:os";

const worker = hostname();

export const handler = async () => ({ worker });
