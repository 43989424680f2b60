package frameworks;

import io.quarkus.runtime.Startup;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/**
 * Registers itself for CRaC's hooks. A singleton: a bean with a wider scope has a second object, its proxy, whose
 * constructor would register, too.
 */
@Startup
@Singleton
public class Life implements Resource {
    private final List<String> events = new ArrayList<>(List.of("start"));
    /** Made in Init; each clone makes its own. */
    private Random random = new Random();

    public Life() {
        Core.getGlobalContext().register(this);
    }

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
