import { once } from "node:events";
import { connect } from "node:net";

export const handler = async () => {
  const socket = connect(8081, process.env.OUTSIDE);
  await once(socket, "connect");
  socket.write("ping\n");
  await once(socket, "data");
  socket.destroy();
  return { isAlive: true };
};
