import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A member of a share group, by Kafka's Java client. Accepts what it is given, releases some of it
 * once, and says what it was told, a line each; the first line on its input ends it. Or has a group
 * begin at the beginning.
 *
 * <p>usage: share_client.java member BOOTSTRAP TOPIC GROUP, or begin BOOTSTRAP GROUP
 */
class ShareClient {
  static final int RELEASES_EVERY = 50;

  private final AtomicBoolean stopping = new AtomicBoolean();

  public static void main(String[] words) throws Exception {
    if (words[0].equals("begin")) {
      begin(words[1], words[2]);
      return;
    }
    var client = new ShareClient();
    client.listen();
    client.work(words[1], words[2], words[3]);
  }

  private static void begin(String bootstrap, String group) throws Exception {
    var what = new ConfigEntry("share.auto.offset.reset", "earliest");
    try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin
          .incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, group),
              List.of(new AlterConfigOp(what, AlterConfigOp.OpType.SET))))
          .all()
          .get();
    }
  }

  private void listen() {
    var input = new BufferedReader(new InputStreamReader(System.in));
    var listener = new Thread(() -> {
      try {
        input.readLine();
      } catch (java.io.IOException gone) {
        // So is who would have said it.
      }
      stopping.set(true);
    });
    listener.setDaemon(true);
    listener.start();
  }

  private static Properties settings(String bootstrap, String group) {
    var all = new Properties();
    all.put("bootstrap.servers", bootstrap);
    all.put("group.id", group);
    all.put("share.acknowledgement.mode", "explicit");
    all.put("reconnect.backoff.ms", "10");
    all.put("reconnect.backoff.max.ms", "100");
    all.put("retry.backoff.ms", "20");
    all.put("retry.backoff.max.ms", "100");
    all.put("socket.connection.setup.timeout.ms", "1000");
    all.put("socket.connection.setup.timeout.max.ms", "1000");
    all.put("request.timeout.ms", "5000");
    all.put("metadata.max.age.ms", "5000");
    return all;
  }

  private void work(String bootstrap, String topic, String group) {
    try (var member = new KafkaShareConsumer<>(
        settings(bootstrap, group), new StringDeserializer(), new StringDeserializer())) {
      member.subscribe(List.of(topic));
      while (!stopping.get()) {
        var accepted = new HashMap<Integer, List<Long>>();
        for (ConsumerRecord<String, String> record : member.poll(Duration.ofMillis(200))) {
          int delivery = record.deliveryCount().orElseThrow();
          System.out.printf("given %d %d %s %d%n", record.partition(), record.offset(),
              record.value(), delivery);
          if (delivery == 1 && record.offset() % RELEASES_EVERY == 0) {
            member.acknowledge(record, AcknowledgeType.RELEASE);
          } else {
            member.acknowledge(record, AcknowledgeType.ACCEPT);
            accepted.computeIfAbsent(record.partition(), p -> new ArrayList<>())
                .add(record.offset());
          }
        }
        commit(member, accepted);
        System.out.flush();
      }
    }
  }

  /** Says of each record whether it is accepted, or that nobody knows. */
  private static void commit(
      KafkaShareConsumer<String, String> member, HashMap<Integer, List<Long>> accepted) {
    var outcome = new HashMap<Integer, String>();
    try {
      member.commitSync(Duration.ofSeconds(20)).forEach((partition, failed)
          -> outcome.put(partition.partition(), failed.isPresent() ? "unknown" : "accepted"));
    } catch (KafkaException unknown) {
      outcome.clear();
    }
    accepted.forEach((partition, offsets) -> {
      for (long offset : offsets)
        System.out.printf(
            "%s %d %d%n", outcome.getOrDefault(partition, "unknown"), partition, offset);
    });
  }
}
