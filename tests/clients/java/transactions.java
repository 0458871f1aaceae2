import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.InvalidTxnStateException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.TimeoutException;

/** Exactly once: KIP-98, 360, 447, 588, 664 and 890. */
class Transactions extends ClientCase {
  static final String COMMITTED = "isolation.level=read_committed";

  static List<Case> cases() {
    return List.of(
        new Case("a transaction is read when it is committed", Transactions::committed),
        new Case("a transaction is never read when it is aborted", Transactions::aborted),
        new Case("a later instance fences the earlier one", Transactions::fenced),
        new Case("offsets are committed with what was made of them", Transactions::pipeline),
        new Case("an offset of an open transaction is not stable", Transactions::unstable),
        new Case("a transaction that lasts too long is aborted", Transactions::tooLong),
        new Case("transactions are listed and described", Transactions::listed),
        new Case("a transaction that hangs is aborted by an operator", Transactions::hanging),
        new Case("a thousand transactions over ten partitions", Transactions::many));
  }

  static KafkaProducer<String, String> transactional(String id, String... options) {
    var all = new ArrayList<>(List.of(options));
    all.add("transactional.id=" + id);
    all.add("linger.ms=0");
    var producer = producer(all.toArray(new String[0]));
    producer.initTransactions();
    return producer;
  }

  static KafkaConsumer<String, String> reader(String topic, String... options) {
    var all = new ArrayList<>(List.of(options));
    all.add("group.id=" + fresh("g"));
    var consumer = consumer(all.toArray(new String[0]));
    consumer.subscribe(List.of(topic));
    return consumer;
  }

  static void send(KafkaProducer<String, String> to, String topic, int partition, String value)
      throws Exception {
    to.send(new ProducerRecord<>(topic, partition, null, value)).get();
  }

  static List<String> values(List<ConsumerRecord<String, String>> records) {
    return records.stream().map(ConsumerRecord::value).sorted().toList();
  }

  static long end(String topic, IsolationLevel level) throws Exception {
    try (Admin admin = admin()) {
      return done(admin.listOffsets(Map.of(at(topic, 0), OffsetSpec.latest()),
          new ListOffsetsOptions(level)).partitionResult(at(topic, 0))).offset();
    }
  }

  static void committed() throws Exception {
    String topic = topic(2);
    try (var producer = transactional(fresh("x")); var reader = reader(topic, COMMITTED);
         var dirty = reader(topic)) {
      producer.beginTransaction();
      send(producer, topic, 0, "a");
      send(producer, topic, 1, "b");
      equal(List.of("a", "b"), values(take(dirty, 2)), "what is read before the end");
      check(reader.poll(Duration.ofSeconds(4)).isEmpty(), "nothing is committed yet");
      equal(0L, end(topic, IsolationLevel.READ_COMMITTED), "the end of what is committed");
      equal(1L, end(topic, IsolationLevel.READ_UNCOMMITTED), "the end");
      producer.commitTransaction();
      equal(List.of("a", "b"), values(take(reader, 2)), "what is read");
      until("marker", () -> {
        try {
          return end(topic, IsolationLevel.READ_COMMITTED) == 2;
        } catch (Exception why) {
          throw new AssertionError(why);
        }
      });
    }
  }

  static void aborted() throws Exception {
    String topic = topic(1);
    try (var producer = transactional(fresh("x")); var reader = reader(topic, COMMITTED)) {
      for (int i = 0; i < 20; i++) {
        producer.beginTransaction();
        send(producer, topic, 0, "dropped " + i);
        producer.abortTransaction();
        producer.beginTransaction();
        send(producer, topic, 0, "kept " + i);
        producer.commitTransaction();
      }
      for (var record : take(reader, 20))
        check(record.value().startsWith("kept"), record.value());
    }
  }

  static void fenced() throws Exception {
    String topic = topic(1);
    String id = fresh("x");
    try (var old = transactional(id)) {
      old.beginTransaction();
      send(old, topic, 0, "of the old one");
      try (var young = transactional(id)) {
        young.beginTransaction();
        send(young, topic, 0, "of the young one");
        try {
          send(old, topic, 0, "too late");
          throw new AssertionError("the old one can still write");
        } catch (java.util.concurrent.ExecutionException why) {
          check(why.getCause() instanceof ProducerFencedException
              || why.getCause() instanceof InvalidProducerEpochException, "" + why.getCause());
        }
        young.commitTransaction();
      }
    }
    try (var reader = reader(topic, COMMITTED)) {
      equal(List.of("of the young one"), values(take(reader, 1)), "what is read");
    }
  }

  /** Reads, makes, commits both; every third time it aborts and does it again. */
  static void pipeline() throws Exception {
    String from = topic(1);
    String to = topic(1);
    fill(from, 0, 300);
    String group = fresh("g");
    try (var producer = transactional(fresh("x"));
         var consumer = consumer("group.id=" + group, COMMITTED, "max.poll.records=10")) {
      consumer.subscribe(List.of(from));
      int made = 0;
      for (int turn = 0; made < 300; turn++) {
        var records = consumer.poll(SHORTLY);
        if (records.isEmpty())
          continue;
        long first = records.iterator().next().offset();
        producer.beginTransaction();
        long next = first;
        for (var record : records) {
          producer.send(new ProducerRecord<>(to, 0, null, "of " + record.value()));
          next = record.offset() + 1;
        }
        producer.sendOffsetsToTransaction(
            Map.of(at(from, 0), new OffsetAndMetadata(next)), consumer.groupMetadata());
        if (turn % 3 == 1) {
          producer.abortTransaction();
          consumer.seek(at(from, 0), first);
          continue;
        }
        producer.commitTransaction();
        made += records.count();
        equal(next, consumer.committed(Set.of(at(from, 0))).get(at(from, 0)).offset(),
            "the committed offset");
      }
    }
    try (var reader = reader(to, COMMITTED)) {
      var all = values(take(reader, 300));
      equal(300, new HashSet<>(all).size(), "every record once");
    }
  }

  static void unstable() throws Exception {
    String topic = topic(1);
    fill(topic, 0, 3);
    String group = fresh("g");
    try (var producer = transactional(fresh("x"));
         var consumer = consumer("group.id=" + group, COMMITTED)) {
      consumer.subscribe(List.of(topic));
      take(consumer, 3);
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(
          Map.of(at(topic, 0), new OffsetAndMetadata(3)), consumer.groupMetadata());
      refused(TimeoutException.class,
          () -> consumer.committed(Set.of(at(topic, 0)), Duration.ofSeconds(2)));
      producer.commitTransaction();
      equal(3L, consumer.committed(Set.of(at(topic, 0))).get(at(topic, 0)).offset(),
          "the committed offset");
    }
  }

  static void tooLong() throws Exception {
    String topic = topic(1);
    try (var producer = transactional(fresh("x"), "transaction.timeout.ms=2000");
         var other = transactional(fresh("x")); var reader = reader(topic, COMMITTED)) {
      producer.beginTransaction();
      send(producer, topic, 0, "never read");
      other.beginTransaction();
      send(other, topic, 0, "read");
      other.commitTransaction();
      equal(List.of("read"), values(take(reader, 1)), "what is read");
      try {
        producer.commitTransaction();
        throw new AssertionError("what was aborted is committed");
      } catch (InvalidTxnStateException expected) {
        check(expected.getMessage() != null, "it says why");
      }
    }
  }

  static void listed() throws Exception {
    String topic = topic(1);
    String id = fresh("listed");
    try (var producer = transactional(id); Admin admin = admin()) {
      producer.beginTransaction();
      send(producer, topic, 0, "a");
      var told = done(admin.describeTransactions(List.of(id)).description(id));
      equal(TransactionState.ONGOING, told.state(), "its state");
      equal(Set.of(at(topic, 0)), told.topicPartitions(), "its partitions");
      var open = new ListTransactionsOptions()
          .filterStates(Set.of(TransactionState.ONGOING))
          .filterOnTransactionalIdPattern("listed-.*");
      check(done(admin.listTransactions(open).all()).stream()
          .map(TransactionListing::transactionalId).anyMatch(id::equals), "it is listed");
      var producers = done(admin.describeProducers(List.of(at(topic, 0)))
          .partitionResult(at(topic, 0))).activeProducers();
      equal(0L, producers.get(0).currentTransactionStartOffset().getAsLong(), "where it begins");
      producer.commitTransaction();
      until("end of it", () -> {
        try {
          return done(admin.describeTransactions(List.of(id)).description(id)).state()
              == TransactionState.COMPLETE_COMMIT;
        } catch (Exception why) {
          throw new AssertionError(why);
        }
      });
    }
  }

  static void hanging() throws Exception {
    String topic = topic(1);
    try (var producer = transactional(fresh("x")); Admin admin = admin();
         var reader = reader(topic, COMMITTED)) {
      producer.beginTransaction();
      send(producer, topic, 0, "a");
      var hanging = done(admin.describeProducers(List.of(at(topic, 0)))
          .partitionResult(at(topic, 0))).activeProducers().get(0);
      done(admin.abortTransaction(new AbortTransactionSpec(at(topic, 0), hanging.producerId(),
          (short) hanging.producerEpoch(), hanging.coordinatorEpoch().orElse(0))).all());
      equal(2L, end(topic, IsolationLevel.READ_COMMITTED), "the end of what is committed");
      check(reader.poll(Duration.ofSeconds(4)).isEmpty(), "nothing of it is read");
    }
  }

  static void many() throws Exception {
    String topic = topic(10);
    var kept = new ArrayList<String>();
    try (var producer = transactional(fresh("x"))) {
      for (int i = 0; i < 1000; i++) {
        producer.beginTransaction();
        for (int k = 0; k < 3; k++)
          producer.send(new ProducerRecord<>(topic, (i + k) % 10, null, i + "." + k));
        if (i % 4 == 3) {
          producer.abortTransaction();
          continue;
        }
        producer.commitTransaction();
        for (int k = 0; k < 3; k++)
          kept.add(i + "." + k);
      }
    }
    try (var reader = reader(topic, COMMITTED)) {
      equal(kept.stream().sorted().toList(), values(take(reader, kept.size())), "what is read");
    }
  }
}
