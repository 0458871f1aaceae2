import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kafka's Java client under way: one idempotent producer, or one member of a group that commits
 * what it has read. Says what it was told, a line each; the first line on its input ends it.
 *
 * <p>usage: java_client.java write BOOTSTRAP TOPIC PARTITIONS NUMBER, or read BOOTSTRAP TOPIC GROUP
 */
class JavaClient {
  static final int PER_TURN = 10;
  static final long TURN_MS = 10;

  private final PrintStream out = new PrintStream(System.out, false);
  private final AtomicBoolean stopping = new AtomicBoolean();

  public static void main(String[] words) throws Exception {
    var client = new JavaClient();
    client.listen();
    if (words[0].equals("write"))
      client.write(words[1], words[2], Integer.parseInt(words[3]), Long.parseLong(words[4]));
    else
      client.read(words[1], words[2], words[3]);
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

  private synchronized void say(Object... words) {
    var line = new StringBuilder();
    for (Object word : words)
      line.append(line.isEmpty() ? "" : " ").append(word);
    out.println(line);
  }

  /** Quick to try again: fail-over is what is looked at. */
  private static Properties settings(String bootstrap) {
    var all = new Properties();
    all.put("bootstrap.servers", bootstrap);
    all.put("reconnect.backoff.ms", "10");
    all.put("reconnect.backoff.max.ms", "100");
    all.put("retry.backoff.ms", "20");
    all.put("retry.backoff.max.ms", "100");
    all.put("socket.connection.setup.timeout.ms", "1000");
    all.put("socket.connection.setup.timeout.max.ms", "1000");
    all.put("metadata.max.age.ms", "5000");
    return all;
  }

  private void write(String bootstrap, String topic, int partitions, long number)
      throws InterruptedException {
    var all = settings(bootstrap);
    all.put("enable.idempotence", "true");
    all.put("acks", "all");
    all.put("linger.ms", "2");
    all.put("request.timeout.ms", "1000");
    all.put("delivery.timeout.ms", "120000");
    try (var producer =
        new KafkaProducer<String, String>(all, new StringSerializer(), new StringSerializer())) {
      for (long next = 0; !stopping.get(); ) {
        for (int i = 0; i < PER_TURN; ++i, ++next) {
          long value = number << 40 | next;
          int partition = (int) (next % partitions);
          long begin = System.nanoTime();
          producer.send(
              new ProducerRecord<>(topic, partition, null, Long.toString(value)),
              (told, failed) -> {
                if (failed != null)
                  say("send", partition, value, begin, System.nanoTime(), "unknown", -1,
                      failed.getClass().getSimpleName());
                else
                  say("send", partition, value, begin, System.nanoTime(), "acknowledged",
                      told.hasOffset() ? told.offset() : -1, "-");
              });
        }
        synchronized (this) {
          out.flush();
        }
        Thread.sleep(TURN_MS);
      }
      producer.flush();
    }
    out.flush();
  }

  private void read(String bootstrap, String topic, String group) {
    var all = settings(bootstrap);
    all.put("group.id", group);
    all.put("auto.offset.reset", "earliest");
    all.put("enable.auto.commit", "false");
    all.put("session.timeout.ms", "6000");
    all.put("heartbeat.interval.ms", "500");
    all.put("request.timeout.ms", "3000");
    all.put("fetch.max.wait.ms", "100");
    var next = new HashMap<TopicPartition, OffsetAndMetadata>();
    try (var consumer = new KafkaConsumer<String, String>(
        all, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
          for (var partition : assigned)
            say("assign", partition.partition());
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
          next.keySet().removeAll(revoked);
        }
      });
      while (!stopping.get()) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
          say("read", record.partition(), record.offset(), record.value());
          next.put(new TopicPartition(topic, record.partition()),
              new OffsetAndMetadata(record.offset() + 1));
        }
        commit(consumer, next);
        out.flush();
      }
    }
    out.flush();
  }

  private void commit(KafkaConsumer<String, String> consumer,
      Map<TopicPartition, OffsetAndMetadata> next) {
    if (next.isEmpty())
      return;
    try {
      consumer.commitSync(next, Duration.ofSeconds(3));
    } catch (KafkaException refused) {
      return; // a rebalance, or nobody coordinates just now: with the next ones
    }
    next.forEach((partition, offset) -> say("commit", partition.partition(), offset.offset()));
    next.clear();
  }
}
