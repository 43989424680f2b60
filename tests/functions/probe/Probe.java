import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.crac.Core;
import org.crac.Resource;

/** Tells what a clone sees of itself. */
public class Probe implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private static final List<String> HOOKS = new ArrayList<>();
    private static final long INIT_NANOS = System.currentTimeMillis();
    // References are weak: without fields the hooks would be collected.
    private static final Resource FIRST = hook("first");
    private static final Resource SECOND = hook("second");

    private static Resource hook(String name) {
        Resource resource = new Resource() {
            @Override
            public void beforeCheckpoint(org.crac.Context<? extends Resource> context) {
                HOOKS.add("before-" + name);
            }

            @Override
            public void afterRestore(org.crac.Context<? extends Resource> context) {
                HOOKS.add("after-" + name);
            }
        };
        Core.getGlobalContext().register(resource);
        return resource;
    }

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        try {
            Thread.sleep(((Number) event.getOrDefault("sleepMs", 0)).longValue());
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create(System.getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")))
                    .header("Authorization", System.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
                    .build();
            String credentials = HttpClient.newHttpClient()
                    .send(request, HttpResponse.BodyHandlers.ofString())
                    .body();
            String key = credentials.replaceAll(".*\"AccessKeyId\"\\s*:\\s*\"([^\"]+)\".*", "$1");
            return Map.of(
                    "key",
                    key,
                    "environment",
                    System.getenv(),
                    "hooks",
                    HOOKS,
                    "initNanos",
                    INIT_NANOS,
                    "uuid",
                    UUID.randomUUID().toString());
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }
}
