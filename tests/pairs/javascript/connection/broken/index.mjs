import { once } from "node:events";
import { connect } from "node:net";

const socket = connect(8081, process.env.OUTSIDE);
socket.on("error", () => socket.destroy());
await once(socket, "connect");

export const handler = async () => ({ isAlive: !socket.destroyed && socket.write("ping\n") });
