/** The worker on another host, behind its port: over the loopback, with certificates of an installation. */
import { remote } from "./remote.ts";
import { workerPortSuite } from "./port-suite.ts";

workerPortSuite({
  name: "on another host",
  reach: async (worker) => {
    const host = await remote(worker);
    return { worker: host.worker, end: () => host.end() };
  },
});
