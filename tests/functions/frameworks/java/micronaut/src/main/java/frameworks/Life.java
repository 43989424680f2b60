package frameworks;

import io.micronaut.crac.OrderedResource;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.crac.Context;
import org.crac.Resource;

/** A bean that Micronaut registers for CRaC's hooks. */
@Singleton
public class Life implements OrderedResource {
    private final List<String> events = new ArrayList<>(List.of("start"));
    /** Made in Init; each clone makes its own. */
    private Random random = new Random();

    List<String> events() {
        return List.copyOf(events);
    }

    long random() {
        return random.nextLong();
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) {
        events.add("stop");
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) {
        events.add("start");
        random = new Random();
    }
}
