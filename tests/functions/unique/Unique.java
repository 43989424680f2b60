import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;

/** Draws from every source of chance once in Init, so that its state is in the snapshot, and again in each request. */
public class Unique implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private static final SecureRandom SECURE = new SecureRandom();
    private static final Random OWN = new Random();
    private static final SecureRandom AWS_LC = correttoRandom();
    private static final SecureRandom DRBG = named("DRBG");
    private static final SecureRandom SHA1PRNG = named("SHA1PRNG");
    private static final ExecutorService OTHER_THREAD = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });

    public Unique() {
        draw();
    }

    private static SecureRandom correttoRandom() {
        try {
            return SecureRandom.getInstance(
                    "LibCryptoRng", com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider.INSTANCE);
        } catch (java.security.GeneralSecurityException absent) {
            throw new IllegalStateException(absent);
        }
    }

    private static SecureRandom named(String algorithm) {
        try {
            return SecureRandom.getInstance(algorithm);
        } catch (java.security.NoSuchAlgorithmException absent) {
            throw new IllegalStateException(absent);
        }
    }

    private static Map<String, String> draw() {
        Map<String, String> values = new LinkedHashMap<>();
        try {
            byte[] bytes = new byte[16];
            SECURE.nextBytes(bytes);
            values.put("java.security.SecureRandom", Arrays.toString(bytes));
            AWS_LC.nextBytes(bytes);
            values.put("Corretto Crypto Provider's SecureRandom", Arrays.toString(bytes));
            values.put("UUID.randomUUID", UUID.randomUUID().toString());
            values.put("Math.random", String.valueOf(Math.random()));
            values.put(
                    "ThreadLocalRandom",
                    String.valueOf(ThreadLocalRandom.current().nextLong()));
            values.put(
                    "ThreadLocalRandom of another thread",
                    String.valueOf(OTHER_THREAD
                            .submit(() -> ThreadLocalRandom.current().nextLong())
                            .get()));
            values.put("new SplittableRandom()", String.valueOf(new SplittableRandom().nextLong()));
            values.put("new Random()", String.valueOf(new Random().nextLong()));
            values.put(
                    "RandomGenerator.getDefault()",
                    String.valueOf(java.util.random.RandomGenerator.getDefault().nextLong()));
            List<Integer> numbers = new ArrayList<>();
            for (int i = 0; i < 40; i++) numbers.add(i);
            Collections.shuffle(numbers);
            values.put("Collections.shuffle", numbers.toString());
            values.put("kotlin.random.Random.Default", String.valueOf(kotlin.random.Random.Default.nextLong()));
            values.put(
                    "kotlin.uuid.Uuid.random",
                    kotlin.uuid.Uuid.Companion.random().toString());
            values.put("Files.createTempFile", Files.createTempFile("x", "y").toString());
            values.put("yours: a Random in a field", String.valueOf(OWN.nextLong()));
            values.put("yours: SecureRandom.getInstance(DRBG)", String.valueOf(DRBG.nextLong()));
            values.put("yours: SecureRandom.getInstance(SHA1PRNG)", String.valueOf(SHA1PRNG.nextLong()));
            return values;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Map<String, String> values = draw();
        try {
            Thread.sleep(((Number) event.getOrDefault("holdMs", 0)).longValue());
            byte[] page = Files.readAllBytes(Paths.get("/run/thaw/generation"));
            Map<String, Object> answer = new HashMap<>();
            answer.put("clone", Base64.getEncoder().encodeToString(Arrays.copyOfRange(page, 8, 16)));
            answer.put("values", values);
            return answer;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }
}
