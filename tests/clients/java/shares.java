import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Share groups (KIP-932): records are given out one by one, whoever asks. */
class Shares extends ClientCase {
  static List<Case> cases() {
    return List.of(
        new Case("a share group gives each record to one member", Shares::shared),
        new Case("a share group gives released records again, and no rejected ones",
            Shares::explicit),
        new Case("a share group gives records again when a member keeps them too long",
            Shares::lockEnds),
        new Case("a share group gives up records that fail again and again", Shares::archived),
        new Case("a share group goes on where it was", Shares::goesOn),
        new Case("share groups are listed, described, moved and deleted", Shares::admins));
  }

  /** A group that begins at the beginning, and its members. */
  static class Members implements AutoCloseable {
    final String group = fresh("share");
    final String topic;
    final Map<String, KafkaShareConsumer<String, String>> all = new HashMap<>();

    Members(int partitions, String... configs) throws Exception {
      topic = topic(partitions);
      try (var admin = admin()) {
        var together = new ArrayList<>(List.of(configs));
        together.add("share.auto.offset.reset=earliest");
        Telemetry.alter(admin, new ConfigResource(ConfigResource.Type.GROUP, group),
            AlterConfigOp.OpType.SET, together.toArray(String[]::new));
      }
    }

    KafkaShareConsumer<String, String> join(String name, String... options) {
      var together = new ArrayList<>(List.of(options));
      together.add("group.id=" + group);
      var member = new KafkaShareConsumer<>(settings(together.toArray(String[]::new)),
          new StringDeserializer(), new StringDeserializer());
      member.subscribe(List.of(topic));
      all.put(name, member);
      return member;
    }

    void leave(String name) {
      all.remove(name).close(Duration.ofSeconds(5));
    }

    @Override public void close() {
      all.values().forEach(m -> m.close(Duration.ofSeconds(5)));
    }
  }

  interface Each {
    void take(ConsumerRecord<String, String> record);
  }

  static void pollUntil(KafkaShareConsumer<String, String> member, String what, Each each,
      BooleanSupplier condition) {
    until(what, () -> {
      member.poll(Duration.ofMillis(100)).forEach(each::take);
      return condition.getAsBoolean();
    });
  }

  static void shared() throws Exception {
    try (var members = new Members(2)) {
      members.join("a");
      members.join("b");
      var seen = new HashMap<String, Integer>();
      var takers = new HashSet<String>();
      try (var producer = producer()) {
        for (int i = 0; i < 400; i++)
          producer.send(new org.apache.kafka.clients.producer.ProducerRecord<>(
              members.topic, i % 2, null, "r" + i));
        producer.flush();
      }
      until("records", () -> {
        members.all.forEach((name, m) -> m.poll(Duration.ofMillis(100)).forEach(r -> {
          seen.merge(r.value(), 1, Integer::sum);
          takers.add(name);
        }));
        return seen.size() == 400;
      });
      // What is polled next acknowledges what was polled last.
      for (int i = 0; i < 5; i++)
        members.all.values().forEach(m -> m.poll(Duration.ofMillis(100)).forEach(
            r -> seen.merge(r.value(), 1, Integer::sum)));
      check(seen.values().stream().allMatch(n -> n == 1), "a record was given twice");
    }
  }

  static void explicit() throws Exception {
    try (var members = new Members(1)) {
      var member = members.join("a", "share.acknowledgement.mode=explicit");
      fill(members.topic, 0, 30);
      var times = new HashMap<Long, Integer>();
      var done = new HashSet<Long>();
      pollUntil(member, "all records", record -> {
        int time = times.merge(record.offset(), 1, Integer::sum);
        equal((short) time, record.deliveryCount().orElseThrow(), "delivery count");
        if (record.offset() % 3 == 1) {
          member.acknowledge(record, AcknowledgeType.REJECT);
          done.add(record.offset());
        } else if (record.offset() % 3 == 2 && time < 2) {
          member.acknowledge(record, AcknowledgeType.RELEASE);
        } else {
          member.acknowledge(record, AcknowledgeType.ACCEPT);
          done.add(record.offset());
        }
      }, () -> done.size() == 30);
      member.commitSync();
      times.forEach((offset, n) -> equal(offset % 3 == 2 ? 2 : 1, n, "times of " + offset));
    }
  }

  static void lockEnds() throws Exception {
    try (var members = new Members(1, "share.record.lock.duration.ms=1000")) {
      var first = members.join("a", "share.acknowledgement.mode=explicit");
      fill(members.topic, 0, 5);
      var taken = new HashSet<Long>();
      until("records of the first", () -> {
        if (taken.isEmpty())
          first.poll(Duration.ofMillis(100)).forEach(r -> taken.add(r.offset()));
        return !taken.isEmpty();
      });
      var second = members.join("b");
      var again = new HashMap<Long, Short>();
      pollUntil(second, "records of the second",
          r -> again.put(r.offset(), r.deliveryCount().orElseThrow()),
          () -> again.size() == 5);
      taken.forEach(offset -> equal((short) 2, again.get(offset), "deliveries of " + offset));
    }
  }

  static void archived() throws Exception {
    try (var members = new Members(1, "share.delivery.count.limit=2")) {
      var member = members.join("a", "share.acknowledgement.mode=explicit");
      fill(members.topic, 0, 3);
      var times = new HashMap<Long, Integer>();
      pollUntil(member, "second deliveries", record -> {
        times.merge(record.offset(), 1, Integer::sum);
        member.acknowledge(record, AcknowledgeType.RELEASE);
      }, () -> times.size() == 3 && times.values().stream().allMatch(n -> n == 2));
      member.commitSync();
      fill(members.topic, 0, 1);
      var later = new HashSet<Long>();
      pollUntil(member, "a new record", record -> {
        later.add(record.offset());
        member.acknowledge(record, AcknowledgeType.ACCEPT);
      }, () -> !later.isEmpty());
      equal(Set.of(3L), later, "what comes then");
    }
  }

  static void goesOn() throws Exception {
    try (var members = new Members(1)) {
      var first = members.join("a");
      fill(members.topic, 0, 40);
      var seen = new HashSet<Long>();
      pollUntil(first, "records", r -> seen.add(r.offset()), () -> seen.size() == 40);
      first.commitSync();
      members.leave("a");
      fill(members.topic, 0, 10);
      var later = new HashSet<Long>();
      pollUntil(members.join("b"), "new records", r -> later.add(r.offset()),
          () -> later.size() >= 10);
      check(later.stream().allMatch(offset -> offset >= 40), "it began anew");
    }
  }

  static void admins() throws Exception {
    try (var members = new Members(1); Admin admin = admin()) {
      var member = members.join("a");
      fill(members.topic, 0, 20);
      var seen = new HashSet<Long>();
      pollUntil(member, "records", r -> seen.add(r.offset()), () -> seen.size() == 20);
      member.commitSync();
      var listed = done(admin.listGroups(
          new ListGroupsOptions().withTypes(Set.of(GroupType.SHARE))).all());
      check(listed.stream().anyMatch(g -> g.groupId().equals(members.group)), "not listed");
      var told = done(admin.describeShareGroups(List.of(members.group)).all())
          .get(members.group);
      equal(GroupState.STABLE, told.groupState(), "state");
      equal(1, told.members().size(), "members");
      equal(Set.of(at(members.topic, 0)),
          told.members().iterator().next().assignment().topicPartitions(), "assignment");
      var spec = Map.of(members.group, new ListShareGroupOffsetsSpec());
      until("an offset", () -> {
        try {
          var offsets = done(admin.listShareGroupOffsets(spec)
              .partitionsToOffsetInfo(members.group));
          return offsets.get(at(members.topic, 0)).startOffset() == 20;
        } catch (Exception e) {
          throw new AssertionError(e);
        }
      });
      members.leave("a");
      done(admin.alterShareGroupOffsets(members.group, Map.of(at(members.topic, 0), 15L))
          .all());
      var again = new HashSet<Long>();
      pollUntil(members.join("b"), "records again", r -> again.add(r.offset()),
          () -> again.size() == 5);
      equal(Set.of(15L, 16L, 17L, 18L, 19L), again, "what comes again");
      members.leave("b");
      done(admin.deleteShareGroups(List.of(members.group)).all());
      check(done(admin.listGroups(
          new ListGroupsOptions().withTypes(Set.of(GroupType.SHARE))).all()).stream()
          .noneMatch(g -> g.groupId().equals(members.group)), "still listed");
    }
  }
}
