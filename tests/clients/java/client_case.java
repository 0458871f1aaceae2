import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What every test with Kafka's Java clients needs. Options are `KEY=VALUE`. */
class ClientCase {
  static final String SERVER = System.getenv("BOOTSTRAP");
  static final Duration SHORTLY = Duration.ofMillis(100);
  static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

  /** A test: its name is a sentence that is true when it passes. */
  interface Body {
    void run() throws Exception;
  }

  record Case(String sentence, Body body) {}

  static String fresh(String prefix) {
    return prefix + "-" + UUID.randomUUID().toString().substring(0, 12);
  }

  static Map<String, String> pairs(String... options) {
    var map = new HashMap<String, String>();
    for (String option : options)
      map.put(option.split("=", 2)[0], option.split("=", 2)[1]);
    return map;
  }

  static Properties settings(String... options) {
    var all = new Properties();
    all.put("bootstrap.servers", SERVER);
    all.putAll(pairs(options));
    return all;
  }

  static Admin admin() {
    return Admin.create(settings());
  }

  static String topic(int partitions, String... configs) throws Exception {
    String name = fresh("java");
    try (Admin admin = admin()) {
      done(admin.createTopics(List.of(
          new NewTopic(name, Optional.of(partitions), Optional.empty())
              .configs(pairs(configs)))).all());
    }
    return name;
  }

  static KafkaProducer<String, String> producer(String... options) {
    return new KafkaProducer<>(settings(options), new StringSerializer(), new StringSerializer());
  }

  static KafkaProducer<byte[], byte[]> bytesProducer(String... options) {
    return new KafkaProducer<>(
        settings(options), new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static Properties readerSettings(String... options) {
    var all = settings("auto.offset.reset=earliest", "enable.auto.commit=false");
    all.putAll(pairs(options));
    return all;
  }

  static KafkaConsumer<String, String> consumer(String... options) {
    return new KafkaConsumer<>(
        readerSettings(options), new StringDeserializer(), new StringDeserializer());
  }

  static KafkaConsumer<byte[], byte[]> bytesConsumer(String... options) {
    return new KafkaConsumer<>(
        readerSettings(options), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** `count` records to one partition, valued 0, 1, ... */
  static void fill(String topic, int partition, int count) throws Exception {
    try (var producer = producer("linger.ms=5")) {
      var last = producer.send(new ProducerRecord<>(topic, partition, null, "0"));
      for (int i = 1; i < count; i++)
        last = producer.send(new ProducerRecord<>(topic, partition, null, "" + i));
      last.get();
    }
  }

  static <K, V> List<ConsumerRecord<K, V>> take(KafkaConsumer<K, V> from, int count) {
    var records = new ArrayList<ConsumerRecord<K, V>>();
    until("" + count + " records", () -> {
      from.poll(SHORTLY).forEach(records::add);
      return records.size() >= count;
    });
    equal(count, records.size(), "records and no more");
    return records;
  }

  static TopicPartition at(String topic, int partition) {
    return new TopicPartition(topic, partition);
  }

  static void until(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean())
      check(System.nanoTime() < end, "in a minute there were no " + what);
  }

  static <T> T done(KafkaFuture<T> future) throws Exception {
    return future.get(30, java.util.concurrent.TimeUnit.SECONDS);
  }

  static void check(boolean condition, String what) {
    if (!condition)
      throw new AssertionError(what);
  }

  static void equal(Object expected, Object got, String what) {
    check(Objects.deepEquals(expected, got),
        what + ": expected <" + shown(expected) + ">, got <" + shown(got) + ">");
  }

  private static String shown(Object value) {
    return value instanceof Object[] array ? Arrays.toString(array) : String.valueOf(value);
  }

  /** The exception of this class, or of one below, that the body ends with. */
  static <E extends Throwable> E refused(Class<E> type, Body body) throws Exception {
    try {
      body.run();
    } catch (Exception e) {
      Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
      if (type.isInstance(cause))
        return type.cast(cause);
      throw new AssertionError(type.getSimpleName() + " was expected", e);
    }
    throw new AssertionError(type.getSimpleName() + " was expected, and nothing came");
  }
}
