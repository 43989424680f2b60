/** Powertools for AWS Lambda (TypeScript) with middy: logger and metrics. */
import { Logger } from "@aws-lambda-powertools/logger";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import middy from "@middy/core";

const logger = new Logger({ serviceName: "pets" });
const metrics = new Metrics({ namespace: "Pets", serviceName: "pets" });

export const handler = middy(async (event) => {
  logger.info("read a pet", { petId: event.id });
  metrics.addMetric("Reads", MetricUnit.Count, 1);
  return { id: event.id };
})
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics, { captureColdStartMetric: true }));
