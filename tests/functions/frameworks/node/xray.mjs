/** The X-Ray SDK: a segment of the trace that the caller sampled, and a subsegment, which is sent to the daemon. */
import { once } from "node:events";
import { createSocket } from "node:dgram";
import xray from "aws-xray-sdk-core";

xray.setContextMissingStrategy("RUNTIME_ERROR");

export async function handler({ id }) {
  const work = async (subsegment) => {
    subsegment.addAnnotation("id", id);
    subsegment.close();
    return { trace: subsegment.segment.trace_id, isSampled: !subsegment.notTraced };
  };
  const seen = await xray.captureAsyncFunc("work", work);
  // What the SDK sends is sent before this, or is refused at once.
  const socket = createSocket("udp4").bind();
  await once(socket, "listening");
  socket.close();
  return { ...seen, daemon: process.env.AWS_XRAY_DAEMON_ADDRESS };
}
