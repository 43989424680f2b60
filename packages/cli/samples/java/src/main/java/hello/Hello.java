package hello;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPResponse;
import java.time.Instant;
import java.util.Map;
import org.crac.Core;
import org.crac.Resource;

/** Its constructor runs once when a version is published. Its clones continue from the snapshot after it. */
public class Hello implements RequestHandler<APIGatewayV2HTTPEvent, APIGatewayV2HTTPResponse>, Resource {
    private String greeting;
    private Instant restoredAt;
    private int calls;

    public Hello() {
        Core.getGlobalContext().register(this);
    }

    /** Stands for what takes long: reading a table, a model, a configuration. */
    private static String load() {
        System.out.println("loading");
        return "Hello";
    }

    /** Runs before the snapshot: each clone finds ready what is loaded here. */
    @Override
    public void beforeCheckpoint(org.crac.Context<? extends Resource> context) {
        greeting = load();
    }

    /** Runs in each clone before its first request: renew here what must not be old, or the same in all clones. */
    @Override
    public void afterRestore(org.crac.Context<? extends Resource> context) {
        restoredAt = Instant.now();
    }

    @Override
    public APIGatewayV2HTTPResponse handleRequest(APIGatewayV2HTTPEvent event, Context context) {
        calls++;
        // Without a snapshot, the first call loads it.
        if (greeting == null) greeting = load();
        Map<String, String> query = event.getQueryStringParameters();
        String name = query == null ? "world" : query.getOrDefault("name", "world");
        String body = String.format(
                "{\"message\":\"%s, %s!\",\"calls\":%d,\"restoredAt\":%s}%n",
                greeting, escape(name), calls, text(restoredAt));
        return APIGatewayV2HTTPResponse.builder()
                .withStatusCode(200)
                .withHeaders(Map.of("content-type", "application/json"))
                .withBody(body)
                .build();
    }

    private static String text(Instant time) {
        return time == null ? "null" : "\"" + time + "\"";
    }

    /** Makes a text safe within quotes of JSON. */
    private static String escape(String text) {
        return text.replaceAll("[\\p{Cntrl}]", " ").replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
