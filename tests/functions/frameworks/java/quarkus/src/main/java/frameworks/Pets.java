package frameworks;

import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.Startup;
import jakarta.annotation.PostConstruct;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.UUID;

@Path("/")
@Startup
@ApplicationScoped
public class Pets {
    @Inject
    AgroalDataSource database;

    @Inject
    Life life;

    @PostConstruct
    void fill() throws SQLException {
        try (Connection connection = database.getConnection()) {
            connection.createStatement().execute("CREATE TABLE pet (id VARCHAR PRIMARY KEY, name VARCHAR)");
            connection.createStatement().execute("INSERT INTO pet VALUES ('1', 'Rex')");
        }
    }

    @GET
    @Path("pets/{id}")
    public Map<String, String> read(String id) throws SQLException {
        try (Connection connection = database.getConnection()) {
            var statement = connection.prepareStatement("SELECT name FROM pet WHERE id = ?");
            statement.setString(1, id);
            var found = statement.executeQuery();
            if (!found.next()) {
                throw new NotFoundException();
            }
            return Map.of("name", found.getString(1));
        }
    }

    @POST
    @Path("pets")
    public Response create(Map<String, String> pet) throws SQLException {
        String id = UUID.randomUUID().toString();
        try (Connection connection = database.getConnection()) {
            var statement = connection.prepareStatement("INSERT INTO pet VALUES (?, ?)");
            statement.setString(1, id);
            statement.setString(2, pet.get("name"));
            statement.executeUpdate();
        }
        return Response.status(201).entity(Map.of("id", id)).build();
    }

    @GET
    @Path("life")
    public Map<String, Object> life() {
        return Map.of("events", life.events(), "random", life.random());
    }
}
