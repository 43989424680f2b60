import java.util.Map;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/** A handler and a hook to stop in. */
public class Debug implements Resource {
    private static final Debug HOOK = new Debug();
    private static String told = "nothing";

    static {
        Core.getGlobalContext().register(HOOK);
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) {}

    @Override
    public void afterRestore(Context<? extends Resource> context) {
        String hooked = "hooked";
        told = hooked;
    }

    public Map<String, Object> handle(Map<String, Object> event) {
        int doubled = ((Number) event.get("n")).intValue() * 2;
        return Map.of("doubled", doubled, "told", told);
    }
}
