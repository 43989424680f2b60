import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

/** Says what the wrapper script has left: a system property of the option that it added, and its variable. */
public class Wrapped implements RequestHandler<Object, Map<String, String>> {
    @Override
    public Map<String, String> handleRequest(Object event, Context context) {
        return Map.of("option", System.getProperty("wrapped", "no"), "programs", System.getenv("PROGRAMS"));
    }
}
