package dev.thaw.runtime;

import com.amazonaws.services.lambda.crac.Context;
import com.amazonaws.services.lambda.crac.Resource;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Gives a clone's JVM new random numbers: the first of all after-restore hooks. The JDK has no way to reseed these
 * generators, so their fields are set; a field that this JDK does not have is left out. Everything is looked up before
 * the snapshot.
 *
 * <p>{@code THAW_RESEED_SKIP=random} (or {@code all}) leaves them as they were at the snapshot.
 */
final class Renewal implements Resource {
    /** One parent of all generators made by {@code new X()}, in each class. */
    private static final String[] SEEDERS = {
        "java.util.Random.seedUniquifier",
        "java.util.concurrent.ThreadLocalRandom.seeder",
        "java.util.SplittableRandom.defaultGen",
        "jdk.random.L32X64MixRandom.defaultGen",
        "jdk.random.L64X128MixRandom.defaultGen",
        "jdk.internal.random.L32X64MixRandom.defaultGen",
        "jdk.internal.random.L64X128MixRandom.defaultGen",
    };

    /** SecureRandom's: at most 100 ms old bytes of /dev/urandom, which a quick restore could still find fresh. */
    private static final String[] BUFFERS = {
        "sun.security.provider.NativePRNG",
        "sun.security.provider.NativePRNG$Blocking",
        "sun.security.provider.NativePRNG$NonBlocking",
    };

    private final List<AtomicLong> seeders = new ArrayList<>();
    private final List<Random> generators = new ArrayList<>();
    private final List<Object> buffers = new ArrayList<>();
    private Field buffered;
    private final Field shuffle;
    private final Field threadSeed;
    private final Method clearDnsCache;
    private final boolean isOn;

    Renewal() {
        List<String> skipped =
                Arrays.asList(String.valueOf(System.getenv("THAW_RESEED_SKIP")).split(","));
        isOn = !skipped.contains("random") && !skipped.contains("all");
        if (isOn) {
            for (String name : SEEDERS) add(seeders, AtomicLong.class, name);
            add(generators, Random.class, "java.lang.Math$RandomNumberGeneratorHolder.randomNumberGenerator");
        }
        shuffle = find(Collections.class, "r");
        threadSeed = find(Thread.class, "threadLocalRandomSeed");
        clearDnsCache = findDnsCache();
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) throws Exception {
        Rehearsal.run();
        if (isOn) findBuffers();
        // Once for practice: in a clone nothing is left to be loaded.
        afterRestore(context);
    }

    /**
     * Only now, and through the front door: the provider asks these classes whether they are there, and they ask the
     * provider.
     */
    private void findBuffers() {
        new SecureRandom();
        for (String name : BUFFERS) add(buffers, Object.class, name + ".INSTANCE");
        buffered = buffers.isEmpty() ? null : find(buffers.get(0).getClass(), "buffered");
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) throws Exception {
        renew();
        // The client has cleared it before the snapshot, but other threads ran on after that.
        if (clearDnsCache != null) clearDnsCache.invoke(null);
    }

    private void renew() throws IOException, ReflectiveOperationException {
        if (!isOn) return;
        Thread[] threads = liveThreads();
        try (DataInputStream kernel = new DataInputStream(new FileInputStream("/dev/urandom"))) {
            byte[] bytes = new byte[8 * (seeders.size() + generators.size() + threads.length + 1)];
            kernel.readFully(bytes);
            java.nio.ByteBuffer noise = java.nio.ByteBuffer.wrap(bytes);
            // Odd: Random's is multiplied, zero would stay zero.
            for (AtomicLong seeder : seeders) seeder.set(noise.getLong() | 1);
            for (Random generator : generators) generator.setSeed(noise.getLong());
            Random shuffler = shuffle == null ? null : (Random) shuffle.get(null);
            if (shuffler != null) shuffler.setSeed(noise.getLong());
            for (Thread thread : threads)
                if (thread != null && threadSeed != null) threadSeed.setLong(thread, noise.getLong());
        }
        if (buffered != null) for (Object buffer : buffers) buffered.setInt(buffer, 0);
    }

    private static Thread[] liveThreads() {
        ThreadGroup root = Thread.currentThread().getThreadGroup();
        while (root.getParent() != null) root = root.getParent();
        // Room for those that start meanwhile.
        Thread[] threads = new Thread[root.activeCount() * 2 + 16];
        root.enumerate(threads, true);
        return threads;
    }

    private static <T> void add(List<T> found, Class<T> type, String name) {
        int dot = name.lastIndexOf('.');
        try {
            Class<?> owner = Class.forName(name.substring(0, dot));
            Field field = find(owner, name.substring(dot + 1));
            Object value = field == null ? null : field.get(null);
            if (value != null) found.add(type.cast(value));
        } catch (ReflectiveOperationException | LinkageError absent) {
            // Another JDK has it under another name.
        }
    }

    private static Field find(Class<?> owner, String name) {
        try {
            Field field = owner.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (ReflectiveOperationException | RuntimeException absent) {
            return null;
        }
    }

    private static Method findDnsCache() {
        try {
            Method method = Class.forName("com.amazonaws.services.lambda.crac.DNSManager")
                    .getDeclaredMethod("clearCache");
            method.setAccessible(true);
            return method;
        } catch (ReflectiveOperationException absent) {
            return null;
        }
    }
}
