import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.crac.Core;
import org.crac.Resource;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** AWS SDK v2, a JDBC pool and the JDK's own HTTP client, with connections made in Init. */
public class Connections implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private static final String OUTSIDE = System.getenv("OUTSIDE");
    private static final S3Client S3 = S3Client.builder()
            .endpointOverride(URI.create("http://" + OUTSIDE + ":8080"))
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .httpClientBuilder(ApacheHttpClient.builder())
            .build();

    static {
        // Otherwise what was used in the last 500 ms before the snapshot is given out untested.
        System.setProperty("com.zaxxer.hikari.aliveBypassWindowMs", "0");
    }

    private static final HikariDataSource POOL = pool();
    private static final HikariDataSource EVICTED = pool();
    private static final HikariDataSource JUST_USED = pool();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    // Kept: the client refers to hooks weakly.
    private static final Resource HOOK = new Resource() {
        @Override
        public void beforeCheckpoint(org.crac.Context<? extends Resource> context) throws Exception {
            query(JUST_USED);
            EVICTED.getHikariPoolMXBean().softEvictConnections();
        }

        @Override
        public void afterRestore(org.crac.Context<? extends Resource> context) {}
    };
    private final Map<String, String> atInit;

    public Connections() {
        Core.getGlobalContext().register(HOOK);
        atInit = draw();
    }

    private static HikariDataSource pool() {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl("jdbc:h2:tcp://" + OUTSIDE + ":9092/mem:test;DB_CLOSE_DELAY=-1");
        pool.setDriverClassName("org.h2.Driver");
        pool.setMaximumPoolSize(2);
        return pool;
    }

    private static String query(HikariDataSource pool) throws Exception {
        try (Connection connection = pool.getConnection();
                ResultSet rows = connection.createStatement().executeQuery("SELECT 42")) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static Map<String, String> draw() {
        Map<String, String> found = new TreeMap<>();
        use(found, "HikariCP, used just before the snapshot", () -> query(JUST_USED));
        use(found, "AWS SDK v2", () -> String.valueOf(S3.listBuckets().buckets().size()));
        use(found, "HikariCP", () -> query(POOL));
        use(found, "HikariCP, evicted before the snapshot", () -> query(EVICTED));
        use(
                found,
                "java.net.http",
                () -> HTTP.send(
                                HttpRequest.newBuilder(URI.create("http://" + OUTSIDE + ":8080/connection"))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body());
        return found;
    }

    private static void use(Map<String, String> found, String name, Callable<String> act) {
        try {
            found.put(name, act.call());
        } catch (Exception error) {
            found.put(name, "error " + error);
        }
    }

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Map<String, Object> answer = new HashMap<>();
        answer.put("init", atInit);
        answer.put("first", draw());
        answer.put("second", draw());
        return answer;
    }
}
