package frameworks;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.lambda.powertools.logging.PowertoolsLogging;
import software.amazon.lambda.powertools.logging.argument.StructuredArguments;
import software.amazon.lambda.powertools.metrics.Metrics;
import software.amazon.lambda.powertools.metrics.MetricsFactory;
import software.amazon.lambda.powertools.metrics.model.MetricUnit;

/** Logging and metrics of Powertools without AspectJ, as its documentation's functional pattern shows it. */
public class Handler implements RequestHandler<Map<String, String>, Map<String, String>> {
    private static final Logger LOG = LoggerFactory.getLogger(Handler.class);
    private static final Metrics METRICS = MetricsFactory.getMetricsInstance();

    @Override
    public Map<String, String> handleRequest(Map<String, String> event, Context context) {
        return PowertoolsLogging.withLogging(context, () -> {
            LOG.info("read a pet", StructuredArguments.entry("petId", event.get("id")));
            METRICS.captureColdStartMetric(context);
            METRICS.addMetric("Reads", 1, MetricUnit.COUNT);
            METRICS.flush();
            return Map.of("id", event.get("id"));
        });
    }
}
