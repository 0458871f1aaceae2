import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidRequestException;

/** What operators ask clients to measure (KIP-714), and what single groups are configured to. */
class Telemetry extends ClientCase {
  static List<Case> cases() {
    return List.of(
        new Case("a producer pushes what an operator subscribes to", Telemetry::pushes),
        new Case("subscriptions to metrics are configured", Telemetry::subscriptions),
        new Case("a group is configured", Telemetry::group));
  }

  static void alter(Admin admin, ConfigResource resource, AlterConfigOp.OpType type,
      String... pairs) throws Exception {
    Collection<AlterConfigOp> changes = new ArrayList<>();
    pairs(pairs).forEach(
        (k, v) -> changes.add(new AlterConfigOp(new ConfigEntry(k, v), type)));
    done(admin.incrementalAlterConfigs(Map.of(resource, changes)).all());
  }

  static Config described(Admin admin, ConfigResource resource) throws Exception {
    return done(admin.describeConfigs(List.of(resource)).all()).get(resource);
  }

  static String metrics() {
    try {
      var request = HttpRequest.newBuilder(URI.create("http://" + System.getenv("HTTP")
          + "/metrics")).build();
      return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  static void pushes() throws Exception {
    String topic = topic(1);
    String client = fresh("client");
    var subscription = new ConfigResource(ConfigResource.Type.CLIENT_METRICS, fresh("s"));
    try (var admin = admin()) {
      alter(admin, subscription, AlterConfigOp.OpType.SET, "interval.ms=200",
          "metrics=org.apache.kafka.producer.", "match=client_id=" + client);
      try (var producer = producer("client.id=" + client);
          var other = producer("client.id=" + client + "-other")) {
        until("metrics of the producer", () -> {
          producer.send(new ProducerRecord<>(topic, "x"));
          other.send(new ProducerRecord<>(topic, "x"));
          return metrics().lines().anyMatch(line -> line.startsWith("kafka_client_producer_")
              && line.contains("client_id=\"" + client + "\""));
        });
        check(!metrics().contains(client + "-other"), "another client was asked too");
      }
      until("an end of its metrics", () -> !metrics().contains(client));
    }
  }

  static void subscriptions() throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.CLIENT_METRICS, fresh("s"));
    try (var admin = admin()) {
      alter(admin, resource, AlterConfigOp.OpType.SET, "interval.ms=60000", "metrics=a.,b.");
      var told = described(admin, resource);
      equal("60000", told.get("interval.ms").value(), "interval");
      equal("a.,b.", told.get("metrics").value(), "metrics");
      equal(ConfigEntry.ConfigSource.DYNAMIC_CLIENT_METRICS_CONFIG, told.get("metrics").source(),
          "where it is from");
      var listed = done(admin.listConfigResources(
          Set.of(ConfigResource.Type.CLIENT_METRICS), new org.apache.kafka.clients.admin
              .ListConfigResourcesOptions()).all());
      check(listed.contains(resource), "it is not listed");
      refused(InvalidRequestException.class,
          () -> alter(admin, resource, AlterConfigOp.OpType.SET, "interval.ms=1"));
      alter(admin, resource, AlterConfigOp.OpType.DELETE, "interval.ms=", "metrics=");
      check(!done(admin.listConfigResources(Set.of(ConfigResource.Type.CLIENT_METRICS),
          new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all())
          .contains(resource), "it is still listed");
    }
  }

  static void group() throws Exception {
    String name = fresh("g");
    var resource = new ConfigResource(ConfigResource.Type.GROUP, name);
    String topic = topic(1);
    try (var admin = admin()) {
      alter(admin, resource, AlterConfigOp.OpType.SET, "consumer.session.timeout.ms=3000",
          "consumer.heartbeat.interval.ms=300");
      var entry = described(admin, resource).get("consumer.session.timeout.ms");
      equal("3000", entry.value(), "time-out");
      equal(ConfigEntry.ConfigSource.DYNAMIC_GROUP_CONFIG, entry.source(), "where it is from");
      try (var members = new Groups.Members(
          topic, "group.id=" + name, AssignedGroups.PROTOCOL)) {
        members.join("a");
        members.pollUntil("an assignment", () -> members.shares().equals(List.of(1)));
      }
    }
  }
}
