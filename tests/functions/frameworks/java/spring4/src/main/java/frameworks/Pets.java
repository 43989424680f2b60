package frameworks;

import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.springframework.http.HttpStatus;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
public class Pets {
    private final JdbcTemplate database;
    private final Life life;
    /** Made in Init, as in a bean it is: `Life` gives it another seed in each clone. */
    private final Random random = new Random();

    public Pets(JdbcTemplate database, Life life) {
        this.database = database;
        this.life = life;
        database.execute("CREATE TABLE pet (id VARCHAR PRIMARY KEY, name VARCHAR)");
        database.update("INSERT INTO pet VALUES ('1', 'Rex')");
        life.onStart(() -> random.setSeed(UUID.randomUUID().getMostSignificantBits()));
    }

    @GetMapping("/pets/{id}")
    public Map<String, String> read(@PathVariable String id) {
        return database.queryForList("SELECT name FROM pet WHERE id = ?", String.class, id).stream()
                .findFirst()
                .map(name -> Map.of("name", name))
                .orElseThrow(() -> new ResponseStatusException(HttpStatus.NOT_FOUND));
    }

    @PostMapping("/pets")
    @ResponseStatus(HttpStatus.CREATED)
    public Map<String, String> create(@RequestBody Map<String, String> pet) {
        String id = UUID.randomUUID().toString();
        database.update("INSERT INTO pet VALUES (?, ?)", id, pet.get("name"));
        return Map.of("id", id);
    }

    @GetMapping("/life")
    public Map<String, Object> life() {
        return Map.of("events", life.events(), "random", random.nextLong());
    }
}
