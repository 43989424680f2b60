package dev.thaw.runtime;

import com.amazonaws.services.lambda.crac.Context;
import com.amazonaws.services.lambda.crac.ContextImpl;
import com.amazonaws.services.lambda.crac.Resource;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import com.amazonaws.services.lambda.runtime.serialization.factories.JacksonFactory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Does before the snapshot what the client would otherwise do for the first time in every clone: it loads the classes
 * of its next steps, and links the calls that run the after-restore hooks. Nothing of it can be seen by the function.
 */
final class Rehearsal {
    /**
     * Of the client and of JDK 11 to 25, as {@code -Xlog:class+load} shows them between a restore and the first answer.
     */
    private static final String[] CLASSES = {
        // The answer of restore/next is read; the snapshot may be taken before the client has begun to wait for it.
        "java.net.SocketInputStream",
        "java.net.Socket$SocketInputStream",
        "sun.nio.ch.NioSocketImpl$1",
        "sun.net.www.http.KeepAliveCache$1",
        "sun.net.www.http.ClientVector",
        "sun.net.www.http.KeepAliveCache$ClientVector",
        "sun.net.www.http.KeepAliveEntry",
        "sun.net.www.protocol.http.EmptyInputStream",
        "sun.net.www.protocol.http.HttpURLConnection$HttpInputStream",
        "jdk.internal.event.SocketReadEvent",
        "jdk.internal.event.ThreadSleepEvent",
        // The loop over invocations begins, and hands out the first.
        "com.amazonaws.services.lambda.runtime.api.client.util.ConcurrencyConfig",
        "com.amazonaws.services.lambda.runtime.api.client.api.LambdaContext",
        "com.amazonaws.services.lambda.runtime.LambdaRuntimeInternal",
        "software.amazon.awssdk.utilslite.SdkInternalThreadLocal",
        // The handler's method is called, by JDK 21.
        "sun.invoke.util.VerifyAccess$1",
    };

    /** Each kind of value that JSON has. */
    private static final String EVENT =
            "{\"text\":\"a\",\"number\":1,\"decimal\":0.5,\"yes\":true,\"list\":[{\"more\":null}]}";

    private Rehearsal() {}

    /** What can't be rehearsed, as another JDK or client does it in another way, happens in the clone. */
    static void run() {
        for (String name : CLASSES) load(name, true, Rehearsal.class.getClassLoader());
        try {
            runHooks();
            if (isStreamHandler()) return;
            serialize();
            callByReflection();
        } catch (Exception | LinkageError different) {
            // Then it is done in the clone.
        }
    }

    private static Class<?> load(String name, boolean initialize, ClassLoader loader) {
        try {
            return Class.forName(name, initialize, loader);
        } catch (ClassNotFoundException | LinkageError absent) {
            return null;
        }
    }

    private static void runHooks() throws Exception {
        Context<Resource> context = new ContextImpl();
        Resource hook = new Hook();
        context.register(hook);
        context.afterRestore(context);
    }

    /** The client has loaded the handler by now; nothing of it is run here. */
    private static boolean isStreamHandler() {
        String name = String.valueOf(System.getenv("_HANDLER")).split("::")[0];
        Class<?> handler = load(name, false, Thread.currentThread().getContextClassLoader());
        return handler == null || RequestStreamHandler.class.isAssignableFrom(handler);
    }

    /**
     * The event of a handler that takes objects is read by the client, and its answer written; the mapper is the same
     * for all types.
     */
    private static void serialize() {
        PojoSerializer<Object> json = JacksonFactory.getInstance().getSerializer(Object.class);
        // What is found in the mapper's caches takes other ways than what was put there.
        for (int i = 0; i < 2; i++) {
            Object event = json.fromJson(new ByteArrayInputStream(EVENT.getBytes(StandardCharsets.UTF_8)));
            json.toJson(event, new ByteArrayOutputStream());
        }
    }

    /**
     * As the client calls the handler's method; from JDK 18 on the first call of each shape compiles method handles.
     */
    private static void callByReflection() throws ReflectiveOperationException {
        Handler handler = new Handler();
        for (Method method : Handler.class.getMethods())
            if (method.getName().equals("handleRequest")) method.invoke(handler, null, null);
    }

    /** Public, and not final: that is another shape. */
    public static class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
        @Override
        public Map<String, Object> handleRequest(
                Map<String, Object> event, com.amazonaws.services.lambda.runtime.Context context) {
            return event;
        }
    }

    private static final class Hook implements Resource {
        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) {}

        @Override
        public void afterRestore(Context<? extends Resource> context) {}
    }
}
