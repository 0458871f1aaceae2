import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.internals.RecordHeader;

class Producing extends ClientCase {
  static List<Case> cases() {
    var all = new ArrayList<>(List.of(
        new Case("an idempotent producer's records come back in order", Producing::idempotent),
        new Case("each level of acknowledgement stores", Producing::acknowledgements),
        new Case("headers, null keys and null values come back", Producing::nulls),
        new Case("a record of ten megabytes comes back", Producing::tenMegabytes),
        new Case("a record too large for the topic is refused", Producing::tooLarge),
        new Case("a batch too large for the topic is split and comes back", Producing::split),
        new Case("a record with a wrong time is told from its neighbours", Producing::recordErrors),
        new Case("an error under acks=0 closes the connection and harms nothing after",
            Producing::withoutAcknowledgement)));
    for (String codec : CODECS)
      all.add(new Case("what was compressed with " + codec + " comes back", () -> codec(codec)));
    return all;
  }

  static void idempotent() throws Exception {
    String topic = topic(1);
    try (var producer = producer("enable.idempotence=true", "linger.ms=1",
        "max.in.flight.requests.per.connection=5", "batch.size=1000")) {
      var sent = new ArrayList<Future<RecordMetadata>>();
      for (int i = 0; i < 20_000; i++)
        sent.add(producer.send(new ProducerRecord<>(topic, "" + i)));
      for (int i = 0; i < sent.size(); i++)
        equal((long) i, sent.get(i).get().offset(), "the offset of an acknowledgement");
    }
    inOrder(topic, 20_000);
  }

  /** All values are 0 to count - 1, each at the offset of its number. */
  static void inOrder(String topic, int count) {
    try (var consumer = consumer()) {
      consumer.assign(List.of(at(topic, 0)));
      var records = take(consumer, count);
      for (int i = 0; i < count; i++) {
        equal((long) i, records.get(i).offset(), "offset");
        equal("" + i, records.get(i).value(), "value");
      }
    }
  }

  static void acknowledgements() throws Exception {
    String topic = topic(1);
    for (String acks : List.of("0", "1", "all"))
      try (var producer = producer("acks=" + acks, "enable.idempotence=false")) {
        var told = producer.send(new ProducerRecord<>(topic, acks)).get();
        equal(!acks.equals("0"), told.hasOffset(), "an offset under acks=" + acks);
      }
    try (var consumer = consumer()) {
      consumer.assign(List.of(at(topic, 0)));
      equal(List.of("0", "1", "all"),
          take(consumer, 3).stream().map(r -> r.value()).toList(), "what is stored");
    }
  }

  static void nulls() throws Exception {
    String topic = topic(1, "retention.ms=-1");
    try (var producer = bytesProducer()) {
      var record = new ProducerRecord<byte[], byte[]>(topic, 0, 1234567890123L, null, null);
      record.headers().add(new RecordHeader("a", new byte[] {1, 0}));
      record.headers().add(new RecordHeader("a", null));
      record.headers().add(new RecordHeader("", new byte[0]));
      producer.send(record).get();
      producer.send(new ProducerRecord<>(topic, new byte[0], new byte[] {-1, 0, 7})).get();
    }
    try (var consumer = bytesConsumer()) {
      consumer.assign(List.of(at(topic, 0)));
      var records = take(consumer, 2);
      var first = records.get(0);
      equal(null, first.key(), "key");
      equal(null, first.value(), "value");
      equal(1234567890123L, first.timestamp(), "timestamp");
      check(first.leaderEpoch().isPresent(), "no leader epoch");
      var headers = first.headers().toArray();
      equal(3, headers.length, "headers");
      equal("a", headers[1].key(), "a header's key");
      equal(new byte[] {1, 0}, headers[0].value(), "a header's value");
      equal(null, headers[1].value(), "a header's null");
      equal(0, headers[2].value().length, "an empty header");
      equal(0, records.get(1).key().length, "an empty key");
      equal(new byte[] {-1, 0, 7}, records.get(1).value(), "bytes");
    }
  }

  static void codec(String codec) throws Exception {
    String topic = topic(1);
    try (var producer = producer("compression.type=" + codec, "linger.ms=20")) {
      for (int i = 0; i < 3000; i++)
        producer.send(new ProducerRecord<>(topic, "" + i));
    }
    inOrder(topic, 3000);
  }

  static void tenMegabytes() throws Exception {
    String topic = topic(1, "max.message.bytes=11000000");
    byte[] value = new byte[10_000_000];
    new Random(7).nextBytes(value);
    for (String codec : List.of("none", "lz4"))
      try (var producer = bytesProducer("max.request.size=12000000", "buffer.memory=50000000",
          "compression.type=" + codec)) {
        producer.send(new ProducerRecord<>(topic, value)).get();
      }
    // One record above the fetch's limits is given alone (KIP-74).
    try (var consumer = bytesConsumer("max.partition.fetch.bytes=1000", "fetch.max.bytes=2000")) {
      consumer.assign(List.of(at(topic, 0)));
      for (var record : take(consumer, 2))
        equal(value, record.value(), "ten megabytes");
    }
  }

  static void tooLarge() throws Exception {
    String topic = topic(1, "max.message.bytes=10000");
    try (var producer = producer()) {
      refused(RecordTooLargeException.class,
          () -> producer.send(new ProducerRecord<>(topic, "x".repeat(20_000))).get());
      equal(0L, producer.send(new ProducerRecord<>(topic, "small")).get().offset(), "offset");
    }
  }

  static void split() throws Exception {
    String topic = topic(1, "max.message.bytes=10000");
    try (var producer = producer("linger.ms=500", "batch.size=200000")) {
      var sent = IntStream.range(0, 1000)
          .mapToObj(i -> producer.send(new ProducerRecord<>(topic, "" + i))).toList();
      producer.flush();
      for (var future : sent)
        future.get();
      check(metric(producer, "batch-split-total") >= 1, "no batch was split");
    }
    inOrder(topic, 1000);
  }

  static double metric(KafkaProducer<?, ?> producer, String name) {
    return producer.metrics().entrySet().stream()
        .filter(e -> e.getKey().name().equals(name)
            && e.getKey().group().equals("producer-metrics"))
        .mapToDouble(e -> (Double) e.getValue().metricValue()).sum();
  }

  static void recordErrors() throws Exception {
    String topic = topic(1, "message.timestamp.after.max.ms=60000");
    long now = System.currentTimeMillis();
    try (var producer = producer("linger.ms=500", "enable.idempotence=false")) {
      var good = producer.send(new ProducerRecord<>(topic, 0, now, null, "good"));
      var bad = producer.send(new ProducerRecord<>(topic, 0, now + 3_600_000, null, "bad"));
      producer.flush();
      refused(InvalidTimestampException.class, bad::get);
      // Not its own fault, and of another class (KIP-467).
      var why = refused(KafkaException.class, good::get);
      check(why.getMessage().contains("part of a batch"), "the neighbour's: " + why);
      equal(0L, producer.send(new ProducerRecord<>(topic, "after")).get().offset(), "offset");
    }
  }

  static void withoutAcknowledgement() throws Exception {
    String topic = topic(1, "max.message.bytes=10000");
    try (var producer = producer("acks=0", "enable.idempotence=false")) {
      producer.send(new ProducerRecord<>(topic, "0")).get();
      producer.send(new ProducerRecord<>(topic, "x".repeat(20_000))).get();
      // The client connects again; what was under way on the old one is lost.
      try (var consumer = consumer()) {
        consumer.assign(List.of(at(topic, 0)));
        equal("0", take(consumer, 1).get(0).value(), "the first");
        until("records after the refused one", () -> {
          producer.send(new ProducerRecord<>(topic, "again"));
          return consumer.poll(SHORTLY).count() > 0;
        });
      }
      check(metric(producer, "connection-close-total") >= 1, "the connection was not closed");
    }
  }
}
