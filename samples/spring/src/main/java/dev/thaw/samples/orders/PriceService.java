package dev.thaw.samples.orders;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.UUID;
import org.springframework.stereotype.Service;

@Service
public class PriceService {
    private static final BigDecimal TAX_RATE = new BigDecimal("0.19");

    public Quote quote(Order order) {
        BigDecimal net = order.items().stream()
                .map(item -> item.price().multiply(BigDecimal.valueOf(item.quantity())))
                .reduce(BigDecimal.ZERO, BigDecimal::add)
                .setScale(2, RoundingMode.HALF_UP);
        BigDecimal tax = net.multiply(TAX_RATE).setScale(2, RoundingMode.HALF_UP);
        // SecureRandom behind it: unique in each clone of the snapshot.
        return new Quote(UUID.randomUUID().toString(), order.customer(), net, tax, net.add(tax));
    }
}
