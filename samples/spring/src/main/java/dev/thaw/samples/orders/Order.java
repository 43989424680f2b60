package dev.thaw.samples.orders;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Email;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.Positive;
import java.math.BigDecimal;
import java.util.List;

public record Order(
        @NotBlank @Email String customer, @NotEmpty List<@Valid Item> items) {
    public record Item(
            @NotBlank String name,
            @Positive int quantity,
            @Positive BigDecimal price) {}
}
