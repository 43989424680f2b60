import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.security.SecureRandom;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;

/** How long one call takes, in nanoseconds: the best of several rounds. */
public class Calls implements RequestHandler<Map<String, Object>, Map<String, Double>> {
    private static final SecureRandom SECURE = new SecureRandom();
    private static double sink;

    public Calls() {
        measureAll(1000);
    }

    private static double measure(int count, Runnable act) {
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 6; round++) {
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) act.run();
            best = Math.min(best, (System.nanoTime() - start) / (double) count);
        }
        return best;
    }

    private static Map<String, Double> measureAll(int count) {
        Map<String, Double> found = new TreeMap<>();
        found.put("Math.random", measure(count * 20, () -> sink += Math.random()));
        found.put(
                "ThreadLocalRandom",
                measure(count * 20, () -> sink += ThreadLocalRandom.current().nextDouble()));
        found.put("SecureRandom", measure(count, () -> sink += SECURE.nextInt()));
        return found;
    }

    @Override
    public Map<String, Double> handleRequest(Map<String, Object> event, Context context) {
        return event.containsKey("measure") ? measureAll(5000) : Map.of();
    }
}
