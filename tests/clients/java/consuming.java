import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

class Consuming extends ClientCase {
  static List<Case> cases() {
    return List.of(
        new Case("seek finds every offset, within batches too", Consuming::seek),
        new Case("offsets are found by time, at the beginning and at the end", Consuming::byTime),
        new Case("a paused partition gives nothing until it is resumed", Consuming::pause),
        new Case("a position beyond the end is out of range", Consuming::outOfRange),
        new Case("a reader at the end waits and gets what comes", Consuming::atTheEnd),
        new Case("both isolation levels read all that is committed", Consuming::isolation),
        new Case("a reader that fetched closes without waiting", Consuming::close),
        new Case("a pattern finds topics that are made later", Consuming::pattern),
        new Case("offsets are committed with metadata and read back", Consuming::commits),
        new Case("a topic deleted and made again is read from its new beginning",
            Consuming::madeAgain));
  }

  static List<String> values(List<ConsumerRecord<String, String>> records) {
    return records.stream().map(ConsumerRecord::value).toList();
  }

  static List<String> numbers(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> "" + i).toList();
  }

  static void seek() throws Exception {
    String topic = topic(2);
    var first = at(topic, 0);
    for (int i = 0; i < 3; i++)
      fill(topic, 0, 50);
    try (var consumer = consumer()) {
      consumer.assign(List.of(first, at(topic, 1)));
      for (long offset : new long[] {149, 0, 75, 50, 49, 101}) {
        consumer.seek(first, offset);
        var got = take(consumer, (int) (150 - offset));
        equal(offset, got.get(0).offset(), "the first offset after seek");
        equal("" + offset % 50, got.get(0).value(), "its value");
        equal(150L, consumer.position(first), "position");
      }
      consumer.seekToBeginning(List.of(first));
      equal(0L, consumer.position(first), "the beginning");
      consumer.seekToEnd(List.of(first));
      equal(150L, consumer.position(first), "the end");
      equal(0, consumer.poll(SHORTLY).count(), "records at the end");
    }
  }

  static void byTime() throws Exception {
    String topic = topic(2, "retention.ms=-1");
    var partition = at(topic, 0);
    var empty = at(topic, 1);
    try (var producer = producer("linger.ms=100")) {
      for (int i = 0; i < 10; i++)
        producer.send(new ProducerRecord<>(topic, 0, 1000L + 10 * i, null, "" + i));
    }
    try (var consumer = consumer()) {
      for (long[] asked : new long[][] {{0, 0}, {1000, 0}, {1001, 1}, {1045, 5}, {1090, 9}}) {
        var found = consumer.offsetsForTimes(Map.of(partition, asked[0])).get(partition);
        equal(asked[1], found.offset(), "the offset at " + asked[0]);
        equal(1000 + 10 * asked[1], found.timestamp(), "its time");
      }
      var none = consumer.offsetsForTimes(Map.of(partition, 1091L, empty, 0L));
      equal(null, none.get(partition), "after all times");
      equal(null, none.get(empty), "in an empty partition");
      equal(Map.of(partition, 10L, empty, 0L),
          consumer.endOffsets(List.of(partition, empty)), "ends");
      equal(Map.of(partition, 0L, empty, 0L),
          consumer.beginningOffsets(List.of(partition, empty)), "beginnings");
    }
  }

  static void pause() throws Exception {
    String topic = topic(2);
    try (var consumer = consumer()) {
      consumer.assign(List.of(at(topic, 0), at(topic, 1)));
      consumer.pause(List.of(at(topic, 0)));
      fill(topic, 0, 10);
      fill(topic, 1, 10);
      check(take(consumer, 10).stream().allMatch(r -> r.partition() == 1), "a paused one");
      equal(0, consumer.poll(SHORTLY).count(), "records of the paused partition");
      consumer.resume(List.of(at(topic, 0)));
      equal(numbers(0, 10), values(take(consumer, 10)), "after resume");
    }
  }

  static void outOfRange() throws Exception {
    String topic = topic(1);
    fill(topic, 0, 5);
    try (var consumer = consumer("auto.offset.reset=none")) {
      consumer.assign(List.of(at(topic, 0)));
      consumer.seek(at(topic, 0), 6);
      var why = refused(OffsetOutOfRangeException.class,
          () -> until("refusals", () -> consumer.poll(SHORTLY).count() > 0));
      equal(Set.of(at(topic, 0)), why.partitions(), "the partitions out of range");
      consumer.seek(at(topic, 0), 4);
      equal("4", take(consumer, 1).get(0).value(), "the last record");
    }
  }

  static void atTheEnd() throws Exception {
    String topic = topic(1);
    try (var consumer = consumer("fetch.max.wait.ms=6000"); var producer = producer()) {
      consumer.assign(List.of(at(topic, 0)));
      equal(0, consumer.poll(SHORTLY).count(), "records of an empty topic");
      for (int i = 0; i < 20; i++) {
        long began = System.nanoTime();
        producer.send(new ProducerRecord<>(topic, "" + i));
        equal("" + i, take(consumer, 1).get(0).value(), "what came");
        check(System.nanoTime() - began < 4_000_000_000L, "the parked fetch was not woken");
      }
    }
  }

  /** The answer to the end of its fetch session may not be parked. */
  static void close() throws Exception {
    String topic = topic(1);
    var consumer = consumer("fetch.max.wait.ms=8000");
    consumer.assign(List.of(at(topic, 0)));
    fill(topic, 0, 5);
    take(consumer, 5);
    fill(topic, 0, 5); // wakes the fetch that is parked
    until("records", () -> consumer.poll(SHORTLY).count() > 0);
    long began = System.nanoTime();
    consumer.close();
    check(System.nanoTime() - began < 20_000_000_000L, "close took long");
  }

  static void isolation() throws Exception {
    String topic = topic(1);
    fill(topic, 0, 100);
    for (String level : List.of("read_uncommitted", "read_committed"))
      try (var consumer = consumer("isolation.level=" + level)) {
        consumer.assign(List.of(at(topic, 0)));
        equal(numbers(0, 100), values(take(consumer, 100)), level);
        equal(Map.of(at(topic, 0), 100L), consumer.endOffsets(List.of(at(topic, 0))), "end");
      }
  }

  static void pattern() throws Exception {
    String prefix = fresh("pattern");
    var expression = java.util.regex.Pattern.compile(prefix + "-.*");
    try (var consumer = consumer("group.id=" + fresh("g"), "metadata.max.age.ms=500");
        var producer = producer()) {
      producer.send(new ProducerRecord<>(prefix + "-a", "made by its first use")).get();
      consumer.subscribe(expression);
      take(consumer, 1);
      consumer.commitSync(); // all is given up in a rebalance
      producer.send(new ProducerRecord<>(prefix + "-b", "later")).get();
      equal(prefix + "-b", take(consumer, 1).get(0).topic(), "the later topic");
      equal(Set.of(prefix + "-a", prefix + "-b"), consumer.subscription(), "subscription");
    }
  }

  static void commits() throws Exception {
    String topic = topic(3);
    String group = "group.id=" + fresh("g");
    fill(topic, 0, 20);
    var partition = at(topic, 0);
    try (var consumer = consumer(group)) {
      // Without joining: a simple consumer's commit (generation -1).
      consumer.assign(List.of(partition));
      equal(null, consumer.committed(Set.of(partition)).get(partition), "before any commit");
      consumer.commitSync(Map.of(partition, new OffsetAndMetadata(7, "half-way \u00fc")));
    }
    try (var consumer = consumer(group)) {
      consumer.subscribe(List.of(topic));
      var next = take(consumer, 13).get(0);
      equal(7L, next.offset(), "where it went on");
      var committed = consumer.committed(Set.of(partition, at(topic, 1)));
      equal(new OffsetAndMetadata(7, "half-way \u00fc"), committed.get(partition), "commit");
      equal(null, committed.get(at(topic, 1)), "a partition without a commit");
      consumer.commitSync();
      var after = consumer.committed(Set.of(partition)).get(partition);
      equal(20L, after.offset(), "the position's commit");
      check(after.leaderEpoch().isPresent(), "the commit has no leader epoch");
      var seen = new java.util.concurrent.atomic.AtomicReference<Map<TopicPartition, ?>>();
      consumer.commitAsync(
          Map.of(partition, new OffsetAndMetadata(3)), (offsets, error) -> seen.set(offsets));
      until("answers to commitAsync", () -> {
        consumer.poll(SHORTLY);
        return seen.get() != null;
      });
    }
  }

  static void madeAgain() throws Exception {
    String topic = topic(1);
    fill(topic, 0, 30);
    try (var consumer = consumer("metadata.max.age.ms=500"); var admin = admin()) {
      consumer.assign(List.of(at(topic, 0)));
      take(consumer, 30);
      done(admin.deleteTopics(List.of(topic)).all());
      until("chances to make it again", () -> {
        try {
          done(admin.createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic(
              topic, 1, (short) 1))).all());
          return true;
        } catch (Exception e) {
          return false;
        }
      });
      fill(topic, 0, 3);
      // The id is another: the reader's position is out of its range.
      equal(numbers(0, 3), values(take(consumer, 3)), "the new topic's records");
    }
  }
}
