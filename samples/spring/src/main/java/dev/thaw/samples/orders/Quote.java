package dev.thaw.samples.orders;

import java.math.BigDecimal;

public record Quote(String id, String customer, BigDecimal net, BigDecimal tax, BigDecimal total) {}
