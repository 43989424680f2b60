package frameworks;

import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.Status;
import io.micronaut.http.exceptions.HttpStatusException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;

@Controller
public class Pets {
    private final DataSource database;
    private final Life life;

    public Pets(DataSource database, Life life) throws SQLException {
        this.database = database;
        this.life = life;
        try (Connection connection = database.getConnection()) {
            connection.createStatement().execute("CREATE TABLE pet (id VARCHAR PRIMARY KEY, name VARCHAR)");
            connection.createStatement().execute("INSERT INTO pet VALUES ('1', 'Rex')");
        }
    }

    @Get("/pets/{id}")
    public Map<String, String> read(String id) throws SQLException {
        try (Connection connection = database.getConnection()) {
            var statement = connection.prepareStatement("SELECT name FROM pet WHERE id = ?");
            statement.setString(1, id);
            var found = statement.executeQuery();
            if (!found.next()) {
                throw new HttpStatusException(HttpStatus.NOT_FOUND, "no such pet");
            }
            return Map.of("name", found.getString(1));
        }
    }

    @Post("/pets")
    @Status(HttpStatus.CREATED)
    public Map<String, String> create(@Body Map<String, String> pet) throws SQLException {
        String id = UUID.randomUUID().toString();
        try (Connection connection = database.getConnection()) {
            var statement = connection.prepareStatement("INSERT INTO pet VALUES (?, ?)");
            statement.setString(1, id);
            statement.setString(2, pet.get("name"));
            statement.executeUpdate();
        }
        return Map.of("id", id);
    }

    @Get("/life")
    public Map<String, Object> life() {
        return Map.of("events", life.events(), "random", life.random());
    }
}
