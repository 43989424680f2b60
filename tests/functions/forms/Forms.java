import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A class for each form of a handler that AWS's guide names, and for each that its client refuses. */
public class Forms {
    public static class Person {
        private String name;
        private int age;

        public String getName() {
            return name;
        }

        public void setName(String name) {
            this.name = name;
        }

        public int getAge() {
            return age;
        }

        public void setAge(int age) {
            this.age = age;
        }
    }

    public record Point(int x, String label) {}

    public enum Colour {
        RED,
        BLUE
    }

    /** The types come from the class below, as with a base class of a framework. */
    public abstract static class Base<R, T> implements RequestHandler<T, R> {}

    public static class Generic extends Base<String, List<Person>> {
        @Override
        public String handleRequest(List<Person> people, Context context) {
            return people.get(0).getName();
        }
    }

    public static class InterfaceAndCustom implements RequestHandler<Map<String, Object>, String> {
        @Override
        public String handleRequest(Map<String, Object> event, Context context) {
            return "INTERFACE";
        }

        public String handleRequestCustom(Map<String, Object> event, Context context) {
            return "CUSTOM";
        }
    }

    public static class Streams implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
            out.write('[');
            in.transferTo(out);
            out.write(("," + (context.getRemainingTimeInMillis() > 0) + "]").getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Methods that no interface names. */
    public static class Methods {
        public Person pojo(Person person, Context context) {
            person.setAge(person.getAge() + 1);
            return person;
        }

        public Point record(Point point) {
            return new Point(point.x() + 1, point.label());
        }

        public Map<String, Integer> lists(Map<String, List<Integer>> lists) {
            Map<String, Integer> sums = new LinkedHashMap<>();
            lists.forEach((name, list) ->
                    sums.put(name, list.stream().mapToInt(Integer::intValue).sum()));
            return sums;
        }

        public static int number(int number) {
            return number + 1;
        }

        public Colour colour(Colour colour) {
            return colour == Colour.RED ? Colour.BLUE : Colour.RED;
        }

        public void nothing(String event) {}

        public String onlyContext(Context context) {
            return context.getFunctionName();
        }

        public void inAndOut(InputStream in, OutputStream out) throws IOException {
            in.transferTo(out);
        }

        public void outAndContext(OutputStream out, Context context) throws IOException {
            out.write(("\"" + context.getMemoryLimitInMB() + "\"").getBytes(StandardCharsets.UTF_8));
        }

        public String overloaded(String one) {
            return "one";
        }

        public String overloaded(String one, Context context) {
            return "with Context";
        }

        public Map<String, Object> context(Object event, Context context) {
            Map<String, Object> seen = new LinkedHashMap<>();
            seen.put("name", context.getFunctionName());
            seen.put("version", context.getFunctionVersion());
            seen.put("arn", context.getInvokedFunctionArn());
            seen.put("memory", context.getMemoryLimitInMB());
            seen.put("group", context.getLogGroupName());
            seen.put("hasStream", context.getLogStreamName() != null);
            seen.put("isId", UUID.fromString(context.getAwsRequestId()).version() > 0);
            seen.put(
                    "custom",
                    context.getClientContext() == null
                            ? null
                            : context.getClientContext().getCustom());
            return seen;
        }

        public String fails(String how) throws Exception {
            switch (how) {
                case "checked":
                    throw new IOException("outer", new IllegalStateException("inner"));
                case "deep":
                    return fails("deep");
                case "no message":
                    throw new IllegalArgumentException();
                case "exit":
                    System.exit(3);
                    return null;
                case "memory":
                    List<byte[]> kept = new ArrayList<>();
                    for (; ; ) kept.add(new byte[8 << 20]);
                default:
                    return how;
            }
        }

        public Object cycle(String event) {
            List<Object> list = new ArrayList<>();
            list.add(list);
            return list;
        }

        /** Interrupts the thread of the client, as a library may. */
        public String interrupts(String event) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }

        public void logs(String event, Context context) {
            context.getLogger().log("plain");
            context.getLogger().log("warned\nin two lines", LogLevel.WARN);
            context.getLogger().log("hidden", LogLevel.TRACE);
            System.out.println("printed");
        }
    }

    public static class NoDefaultConstructor {
        public NoDefaultConstructor(String needed) {}

        public String handle(String event) {
            return event;
        }
    }

    public static class ThrowsInConstructor {
        public ThrowsInConstructor() {
            throw new IllegalStateException("in the constructor");
        }

        public String handle(String event) {
            return event;
        }
    }

    public static class ThrowsInStatic {
        static final int VALUE = Integer.parseInt("none");

        public String handle(String event) {
            return event;
        }
    }

    public class Inner {
        public String handle(String event) {
            return event;
        }
    }

    public static class NoInterface {
        private String handle(String event) {
            return event;
        }
    }
}
