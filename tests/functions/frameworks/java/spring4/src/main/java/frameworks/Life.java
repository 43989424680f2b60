package frameworks;

import java.util.ArrayList;
import java.util.List;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * What Spring does around a snapshot where org.crac is on the class path: it stops the beans that have a life before
 * it, and starts them again in each clone.
 */
@Component
public class Life implements SmartLifecycle {
    private final List<String> events = new ArrayList<>();
    private final List<Runnable> onStart = new ArrayList<>();
    private boolean running;

    void onStart(Runnable action) {
        onStart.add(action);
    }

    List<String> events() {
        return List.copyOf(events);
    }

    @Override
    public void start() {
        running = true;
        events.add("start");
        onStart.forEach(Runnable::run);
    }

    @Override
    public void stop() {
        running = false;
        events.add("stop");
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
