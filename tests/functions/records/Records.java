import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;

/** Takes a Java record, and writes to the log in each way that there is. */
public class Records implements RequestHandler<Records.Order, Records.Order> {
    public record Order(String id, double amount, boolean fail) {}

    @Override
    public Order handleRequest(Order order, Context context) {
        context.getLogger().log("first\nsecond");
        context.getLogger().log("alone");
        System.out.println("one\ntwo");
        if (order.fail()) throw new IllegalStateException("bottom", new RuntimeException("cause"));
        Object custom = context.getClientContext() == null
                ? null
                : context.getClientContext().getCustom().get("key");
        return new Order(order.id() + " " + custom, order.amount() + 1, false);
    }
}
