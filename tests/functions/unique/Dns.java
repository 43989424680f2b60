import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.util.Map;

/** Looks a name up in Init, and says what the JVM's cache of names holds then and later. */
public class Dns implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private final int atInit;

    public Dns() throws Exception {
        InetAddress.getByName("sandbox");
        atInit = cached();
    }

    private static int cached() throws ReflectiveOperationException {
        Field cache = InetAddress.class.getDeclaredField("cache");
        cache.setAccessible(true);
        return ((Map<?, ?>) cache.get(null)).size();
    }

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        try {
            return Map.of("atInit", atInit, "inClone", cached());
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }
}
