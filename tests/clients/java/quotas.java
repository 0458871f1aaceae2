import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterClientQuotasOptions;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaAlteration.Op;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;

class Quotas extends ClientCase {
  static List<Case> cases() {
    return List.of(
        new Case("quotas are set, described and taken away", Quotas::admins),
        new Case("quotas that cannot be are refused", Quotas::refusals),
        new Case("a producer beyond its quota is slowed down to it", Quotas::producers),
        new Case("a consumer beyond its quota is slowed down to it", Quotas::consumers));
  }

  /** Parts are `TYPE=NAME`; an empty name is the default. */
  private static ClientQuotaEntity entity(String... parts) {
    var entries = new HashMap<String, String>();
    pairs(parts).forEach((type, name) -> entries.put(type, name.isEmpty() ? null : name));
    return new ClientQuotaEntity(entries);
  }

  private static void set(Admin admin, ClientQuotaEntity entity, String key, Double value)
      throws Exception {
    done(admin.alterClientQuotas(
        List.of(new ClientQuotaAlteration(entity, List.of(new Op(key, value))))).all());
  }

  private static Map<String, Double> of(Admin admin, ClientQuotaEntity entity) throws Exception {
    var parts = entity.entries().entrySet().stream().map(part -> part.getValue() == null
        ? ClientQuotaFilterComponent.ofDefaultEntity(part.getKey())
        : ClientQuotaFilterComponent.ofEntity(part.getKey(), part.getValue())).toList();
    var all = done(admin.describeClientQuotas(ClientQuotaFilter.containsOnly(parts)).entities());
    return all.getOrDefault(entity, Map.of());
  }

  static void admins() throws Exception {
    String name = fresh("client");
    var client = entity("client-id=" + name);
    var both = entity("user=" + name, "client-id=");
    try (Admin admin = admin()) {
      set(admin, client, "producer_byte_rate", 1e6);
      set(admin, client, "request_percentage", 12.5);
      set(admin, both, "controller_mutation_rate", 3.0);
      equal(Map.of("producer_byte_rate", 1e6, "request_percentage", 12.5), of(admin, client),
          "a client's quotas");
      equal(Map.of("controller_mutation_rate", 3.0), of(admin, both), "a user's, any client");
      var clients = done(admin.describeClientQuotas(ClientQuotaFilter.contains(List.of(
          ClientQuotaFilterComponent.ofEntityType("user"),
          ClientQuotaFilterComponent.ofEntityType("client-id")))).entities());
      check(clients.containsKey(both) && !clients.containsKey(client), "by their types");
      done(admin.alterClientQuotas(List.of(new ClientQuotaAlteration(client,
          List.of(new Op("producer_byte_rate", 5.0)))),
          new AlterClientQuotasOptions().validateOnly(true)).all());
      set(admin, client, "request_percentage", null);
      set(admin, both, "controller_mutation_rate", null);
      equal(Map.of("producer_byte_rate", 1e6), of(admin, client), "what is left");
      set(admin, client, "producer_byte_rate", null);
      equal(Map.of(), of(admin, client), "nothing");
    }
  }

  static void refusals() throws Exception {
    var client = entity("client-id=" + fresh("client"));
    try (Admin admin = admin()) {
      refused(InvalidRequestException.class, () -> set(admin, client, "no_such_rate", 1.0));
      refused(InvalidRequestException.class, () -> set(admin, client, "producer_byte_rate", -1.0));
      refused(InvalidRequestException.class, () -> set(admin, client, "consumer_byte_rate", 1.5));
      refused(InvalidRequestException.class,
          () -> set(admin, client, "connection_creation_rate", 1.0));
      refused(InvalidRequestException.class,
          () -> set(admin, entity("ip=1.2.3.4", "user=u"), "connection_creation_rate", 1.0));
      equal(Map.of(), of(admin, client), "nothing was set");
    }
  }

  private static double metric(Map<?, ? extends org.apache.kafka.common.Metric> all, String name) {
    return all.values().stream().filter(m -> m.metricName().name().equals(name))
        .mapToDouble(m -> ((Number) m.metricValue()).doubleValue()).max().orElse(0);
  }

  /** Bytes that a quota of `rate` lets through at once, and seconds' worth of it more. */
  private static final int RATE = 200_000;
  private static final int BURST_S = 10;
  private static final int MORE_S = 6;
  private static final int RECORD = 10_000;
  private static final int COUNT = RATE * (BURST_S + MORE_S) / RECORD;

  private static void write(KafkaProducer<byte[], byte[]> producer, String topic) throws Exception {
    var last = producer.send(new ProducerRecord<>(topic, new byte[RECORD]));
    for (int i = 1; i < COUNT; i++)
      last = producer.send(new ProducerRecord<>(topic, new byte[RECORD]));
    producer.flush();
    last.get();
  }

  static void producers() throws Exception {
    String name = fresh("producer");
    String topic = topic(1);
    try (Admin admin = admin();
        var producer = bytesProducer("client.id=" + name, "batch.size=" + RECORD)) {
      set(admin, entity("client-id=" + name), "producer_byte_rate", (double) RATE);
      long began = System.nanoTime();
      write(producer, topic);
      double seconds = (System.nanoTime() - began) / 1e9;
      // The last one is answered at once: its own wait comes after.
      check(seconds > 0.8 * MORE_S - 1, "it took only " + seconds + " s");
      check(metric(producer.metrics(), "produce-throttle-time-max") > 0, "no throttle was told");
      set(admin, entity("client-id=" + name), "producer_byte_rate", null);
    }
  }

  static void consumers() throws Exception {
    String name = fresh("consumer");
    String topic = topic(1);
    try (Admin admin = admin(); var producer = bytesProducer();
        var consumer = bytesConsumer("client.id=" + name, "max.partition.fetch.bytes=100000")) {
      write(producer, topic);
      set(admin, entity("client-id=" + name), "consumer_byte_rate", (double) RATE);
      consumer.assign(List.of(at(topic, 0)));
      long began = System.nanoTime();
      take(consumer, COUNT);
      double seconds = (System.nanoTime() - began) / 1e9;
      check(seconds > 0.8 * MORE_S - 1, "it took only " + seconds + " s");
      check(metric(consumer.metrics(), "fetch-throttle-time-max") > 0, "no throttle was told");
      set(admin, entity("client-id=" + name), "consumer_byte_rate", null);
    }
  }
}
