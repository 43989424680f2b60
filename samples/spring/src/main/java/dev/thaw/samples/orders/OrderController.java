package dev.thaw.samples.orders;

import jakarta.validation.Valid;
import java.util.Map;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class OrderController {
    private final PriceService prices;

    public OrderController(PriceService prices) {
        this.prices = prices;
    }

    @GetMapping("/health")
    public Map<String, String> health() {
        return Map.of("status", "UP");
    }

    @PostMapping("/orders")
    public Quote order(@Valid @RequestBody Order order) {
        return prices.quote(order);
    }

    @ExceptionHandler(MethodArgumentNotValidException.class)
    @ResponseStatus(HttpStatus.BAD_REQUEST)
    public Map<String, Object> invalid(MethodArgumentNotValidException error) {
        return Map.of(
                "errors",
                error.getBindingResult().getFieldErrors().stream()
                        .map(field -> field.getField() + " " + field.getDefaultMessage())
                        .sorted()
                        .toList());
    }
}
