package dev.thaw.runtime;

import com.amazonaws.services.lambda.runtime.api.client.AWSLambda;
import com.amazonaws.services.lambda.runtime.api.client.LambdaRequestHandler;
import com.amazonaws.services.lambda.runtime.api.client.logging.LambdaContextLogger;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.LambdaRuntimeApiClient;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.LambdaRuntimeApiClientImpl;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.dto.InvocationRequest;
import com.amazonaws.services.lambda.runtime.api.client.util.ConcurrencyConfig;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import com.amazonaws.services.lambda.runtime.serialization.factories.JacksonFactory;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Serves the events of {@code thaw.prime.json} through the client's own handler before the before-snapshot hooks run.
 *
 * <p>The official client loads the handler and runs the hooks in one go where it finds SnapStart in its environment.
 * Here the parts of its {@code main} are called one by one, with that variable hidden while the client's class is
 * loaded, and the events come in between: the same handler object serves them and, later, the real requests.
 */
final class Priming {
    private static final String INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE";
    private static final int TIMES_MAX = 1000;

    private Priming() {}

    static void main(String[] args, Path file) throws Throwable {
        hideSnapStartFromClient();
        LambdaContextLogger logger = (LambdaContextLogger) call("initLogger", new Class<?>[0]);
        LambdaRuntimeApiClient client = new LambdaRuntimeApiClientImpl(System.getenv("AWS_LAMBDA_RUNTIME_API"));
        Class<?>[] load = {String.class, LambdaContextLogger.class, LambdaRuntimeApiClient.class};
        LambdaRequestHandler handler =
                (LambdaRequestHandler) call("getLambdaRequestHandlerObject", load, args[0], logger, client);
        prime(handler, file);
        call(
                "onInitComplete",
                new Class<?>[] {LambdaContextLogger.class, LambdaRuntimeApiClient.class},
                logger,
                client);
        Class<?>[] loops = {
            LambdaRequestHandler.class, LambdaContextLogger.class, ConcurrencyConfig.class, LambdaRuntimeApiClient.class
        };
        call("startRuntimeLoops", loops, handler, logger, new ConcurrencyConfig(logger), client);
    }

    /** An event that fails is a line in the log: it must not cost the version. */
    private static void prime(LambdaRequestHandler handler, Path file) {
        List<byte[]> events;
        try {
            events = readEvents(file);
        } catch (Exception unreadable) {
            System.err.println("thaw.prime.json can't be read, nothing is primed: " + unreadable);
            return;
        }
        for (byte[] event : events) {
            try {
                handler.call(requestOf(event));
            } catch (Throwable failure) {
                System.err.println("A prime event failed: " + failure);
            }
        }
    }

    private static InvocationRequest requestOf(byte[] event) {
        InvocationRequest request = new InvocationRequest();
        request.setId(UUID.randomUUID().toString());
        request.setDeadlineTimeInMs(System.currentTimeMillis() + 60_000);
        request.setInvokedFunctionArn("arn:thaw:prime:::function:" + System.getenv("AWS_LAMBDA_FUNCTION_NAME"));
        request.setContent(event);
        return request;
    }

    private static List<byte[]> readEvents(Path file) throws Exception {
        PojoSerializer<Object> json = JacksonFactory.getInstance().getSerializer(Object.class);
        Map<?, ?> document;
        try (InputStream in = Files.newInputStream(file)) {
            document = (Map<?, ?>) json.fromJson(in);
        }
        Number times = document.containsKey("times") ? (Number) document.get("times") : Integer.valueOf(1);
        List<byte[]> events = new ArrayList<>();
        for (int i = 0; i < Math.min(times.intValue(), TIMES_MAX); i++) {
            for (Object event : (List<?>) document.get("events")) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                json.toJson(event, bytes);
                events.add(bytes.toByteArray());
            }
        }
        return events;
    }

    private static void hideSnapStartFromClient() throws ReflectiveOperationException {
        Field unmodifiable =
                Class.forName("java.util.Collections$UnmodifiableMap").getDeclaredField("m");
        unmodifiable.setAccessible(true);
        @SuppressWarnings("unchecked")
        Map<String, String> variables = (Map<String, String>) unmodifiable.get(System.getenv());
        String type = variables.remove(INITIALIZATION_TYPE);
        try {
            Class.forName(AWSLambda.class.getName());
        } finally {
            variables.put(INITIALIZATION_TYPE, type);
        }
    }

    private static Object call(String name, Class<?>[] types, Object... values) throws Throwable {
        Method method = AWSLambda.class.getDeclaredMethod(name, types);
        method.setAccessible(true);
        try {
            return method.invoke(null, values);
        } catch (InvocationTargetException thrown) {
            throw thrown.getCause();
        }
    }
}
