/** The worker in this process, behind its port. */
import { workerPortSuite } from "./port-suite.ts";

workerPortSuite({ name: "in this process", reach: async (worker) => ({ worker, end: async () => undefined }) });
