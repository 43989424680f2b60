package hello;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HelloTest {
    private final Hello hello = new Hello();

    private String ask(APIGatewayV2HTTPEvent event) {
        return hello.handleRequest(event, null).getBody().strip();
    }

    @Test
    void greetsByNameAndCountsCalls() {
        APIGatewayV2HTTPEvent named = APIGatewayV2HTTPEvent.builder()
                .withQueryStringParameters(Map.of("name", "Ada"))
                .build();
        assertTrue(ask(named).startsWith("{\"message\":\"Hello, Ada!\""));
        assertEquals(
                "{\"message\":\"Hello, world!\",\"calls\":2,\"restoredAt\":null}", ask(new APIGatewayV2HTTPEvent()));
    }

    @Test
    void saysWhenItWasRestored() {
        hello.beforeCheckpoint(null);
        hello.afterRestore(null);
        assertTrue(ask(new APIGatewayV2HTTPEvent()).matches(".*\"restoredAt\":\"[^\"]+\"}"));
    }
}
