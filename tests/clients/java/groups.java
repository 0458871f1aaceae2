import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** Groups of several members that join, leave, are killed and come back. */
class Groups extends ClientCase {
  static final String SESSION = "session.timeout.ms=6000";
  static final String HEARTBEAT = "heartbeat.interval.ms=200";

  static List<Case> cases() {
    return List.of(
        new Case("a member that is killed is replaced", Groups::killed),
        new Case("a static member comes back without a rebalance", Groups::staticMember),
        new Case("a second member with one instance id fences the first", Groups::fenced),
        new Case("a group shares by range", () -> shared(RangeAssignor.class)),
        new Case("a group shares by turns", () -> shared(RoundRobinAssignor.class)),
        new Case("a group shares stickily", () -> shared(StickyAssignor.class)),
        new Case("a group shares cooperatively", () -> shared(CooperativeStickyAssignor.class)),
        new Case("a cooperative member keeps what it need not give", Groups::cooperative),
        new Case("a commit of a member that was left behind is refused", Groups::leftBehind));
  }

  /** Polls until it is killed; prints what it owns. */
  static void beMember(String group, List<String> topics) {
    try (var consumer = consumer("group.id=" + group, SESSION, HEARTBEAT)) {
      consumer.subscribe(topics);
      while (true) {
        consumer.poll(SHORTLY);
        System.out.println("owns " + consumer.assignment().size());
      }
    }
  }

  static Process childMember(String group, String topic) throws Exception {
    return new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-Xmx128m",
        "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-Dlog4j2.configurationFile=" + System.getProperty("log4j2.configurationFile"), "-cp",
        System.getProperty("java.class.path"), "JavaClients", "member", group, topic)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
  }

  /** The members of one group, polled in turn by one thread. */
  static class Members implements AutoCloseable {
    final Map<String, KafkaConsumer<String, String>> all = new LinkedHashMap<>();
    final Set<String> seen = new HashSet<>();
    final String topic;
    final String[] options;

    Members(String topic, String... options) {
      this.topic = topic;
      this.options = options;
    }

    KafkaConsumer<String, String> join(String name, String... more) {
      return join(name, new ConsumerRebalanceListener() {
        @Override public void onPartitionsRevoked(Collection<TopicPartition> gone) {}
        @Override public void onPartitionsAssigned(Collection<TopicPartition> come) {}
      }, more);
    }

    KafkaConsumer<String, String> join(
        String name, ConsumerRebalanceListener listener, String... more) {
      var together = new ArrayList<>(List.of(options));
      together.addAll(List.of(more));
      var member = consumer(together.toArray(String[]::new));
      member.subscribe(List.of(topic), listener);
      all.put(name, member);
      return member;
    }

    void leave(String name) {
      all.remove(name).close();
    }

    List<Integer> shares() {
      return all.values().stream().map(m -> m.assignment().size()).sorted().toList();
    }

    void pollUntil(String what, BooleanSupplier condition) {
      until(what, () -> {
        for (var member : all.values())
          member.poll(Duration.ofMillis(20)).forEach(r -> seen.add(r.value()));
        return condition.getAsBoolean();
      });
    }

    /** Three share six partitions, one leaves, one joins, all is read; what they own then. */
    Set<TopicPartition> shareSix() throws Exception {
      for (String name : List.of("a", "b", "c"))
        join(name);
      pollUntil("shares for three", () -> shares().equals(List.of(2, 2, 2)));
      leave("a");
      pollUntil("shares for two", () -> shares().equals(List.of(3, 3)));
      join("d");
      pollUntil("shares for three", () -> shares().equals(List.of(2, 2, 2)));
      var owned = new HashSet<TopicPartition>();
      all.values().forEach(m -> owned.addAll(m.assignment()));
      equal(6, owned.size(), "partitions that somebody owns");
      for (int p = 0; p < 6; p++)
        fill(topic, p, 100);
      pollUntil("records", () -> seen.size() == 100);
      return owned;
    }

    @Override public void close() {
      all.values().forEach(m -> m.close(CloseOptions.timeout(Duration.ofSeconds(5))));
    }
  }

  static void shared(Class<? extends ConsumerPartitionAssignor> assignor) throws Exception {
    String topic = topic(6);
    try (var members = new Members(topic, "group.id=" + fresh("g"), SESSION, HEARTBEAT,
        "partition.assignment.strategy=" + assignor.getName())) {
      var owned = members.shareSix();
      try (var admin = admin()) {
        String group = members.options[0].substring("group.id=".length());
        var told = done(admin.describeConsumerGroups(List.of(group)).all()).get(group);
        equal(3, told.members().size(), "members described");
        var described = new HashSet<TopicPartition>();
        told.members().forEach(m -> described.addAll(m.assignment().topicPartitions()));
        equal(owned, described, "partitions described");
        equal(assignor.getDeclaredConstructor().newInstance().name(),
            told.partitionAssignor(), "assignor described");
      }
    }
  }

  static void killed() throws Exception {
    String topic = topic(4);
    String group = fresh("g");
    try (var members = new Members(topic, "group.id=" + group, SESSION, HEARTBEAT)) {
      members.join("a");
      members.pollUntil("assignments", () -> members.shares().equals(List.of(4)));
      var child = childMember(group, topic);
      try {
        members.pollUntil("rebalances", () -> members.shares().equals(List.of(2)));
      } finally {
        child.destroyForcibly().waitFor();
      }
      long began = System.nanoTime();
      members.pollUntil("takeovers", () -> members.shares().equals(List.of(4)));
      // It said no goodbye: only its session's end could tell.
      check(System.nanoTime() - began > 2_000_000_000L, "it was gone before its session's end");
      for (int p = 0; p < 4; p++)
        fill(topic, p, 50);
      members.pollUntil("records", () -> members.seen.size() == 50);
    }
  }

  static void staticMember() throws Exception {
    String topic = topic(4);
    var rebalances = new AtomicInteger();
    var counting = new ConsumerRebalanceListener() {
      @Override public void onPartitionsRevoked(Collection<TopicPartition> gone) {}
      @Override public void onPartitionsAssigned(Collection<TopicPartition> come) {
        rebalances.incrementAndGet();
      }
    };
    try (var members = new Members(
        topic, "group.id=" + fresh("g"), "session.timeout.ms=20000", HEARTBEAT)) {
      for (String name : List.of("a", "b")) {
        members.join(name, counting, "group.instance.id=" + name);
        members.pollUntil("assignments", () -> !members.shares().contains(0));
      }
      members.pollUntil("shares", () -> members.shares().equals(List.of(2, 2)));
      // The leader of the group too: a rejoin of it skips the assignment.
      for (String name : List.of("a", "b")) {
        var held = members.all.get(name).assignment();
        int before = rebalances.get();
        members.leave(name); // a static one does not leave the group
        var again = members.join(name, "group.instance.id=" + name);
        members.pollUntil("assignments again", () -> again.assignment().equals(held));
        for (int i = 0; i < 20; i++)
          members.pollUntil("turns", () -> true);
        equal(before, rebalances.get(), "rebalances of the others");
      }
      try (var admin = admin()) {
        String group = members.options[0].substring("group.id=".length());
        var gone = new org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions(
            List.of(new org.apache.kafka.clients.admin.MemberToRemove("a")));
        members.all.remove("a").close();
        done(admin.removeMembersFromConsumerGroup(group, gone).all());
        members.pollUntil("all for one", () -> members.shares().equals(List.of(4)));
      }
    }
  }

  static void fenced() throws Exception {
    String topic = topic(2);
    String group = "group.id=" + fresh("g");
    String[] options = {group, "group.instance.id=twin", SESSION, HEARTBEAT};
    try (var first = consumer(options); var second = consumer(options)) {
      first.subscribe(List.of(topic));
      until("assignments", () -> {
        first.poll(SHORTLY);
        return first.assignment().size() == 2;
      });
      second.subscribe(List.of(topic));
      refused(FencedInstanceIdException.class, () -> until("fencings", () -> {
        second.poll(SHORTLY);
        first.poll(SHORTLY);
        return false;
      }));
      until("assignments", () -> {
        second.poll(SHORTLY);
        return second.assignment().size() == 2;
      });
    }
  }

  static void cooperative() throws Exception {
    String topic = topic(6);
    var lost = new AtomicInteger();
    var counting = new ConsumerRebalanceListener() {
      @Override public void onPartitionsRevoked(Collection<TopicPartition> gone) {
        lost.addAndGet(gone.size());
      }
      @Override public void onPartitionsAssigned(Collection<TopicPartition> come) {}
    };
    try (var members = new Members(topic, "group.id=" + fresh("g"), SESSION, HEARTBEAT,
        "partition.assignment.strategy=" + CooperativeStickyAssignor.class.getName())) {
      var first = members.join("a", counting);
      members.pollUntil("assignments", () -> members.shares().equals(List.of(6)));
      members.join("b");
      members.pollUntil("shares", () -> members.shares().equals(List.of(3, 3)));
      equal(3, lost.get(), "partitions taken from the first member");
      equal(3, first.assignment().size(), "partitions left to it");
      // The others' metadata carry what they own: opaque bytes to the server.
      members.join("c");
      members.pollUntil("shares", () -> members.shares().equals(List.of(2, 2, 2)));
      equal(4, lost.get(), "partitions taken from the first member");
    }
  }

  static void leftBehind() throws Exception {
    String topic = topic(1);
    String group = "group.id=" + fresh("g");
    String[] options = {group, SESSION, HEARTBEAT, "max.poll.interval.ms=1000"};
    try (var slow = consumer(options); var other = consumer(group, SESSION, HEARTBEAT)) {
      slow.subscribe(List.of(topic));
      until("assignments", () -> {
        slow.poll(SHORTLY);
        return slow.assignment().size() == 1;
      });
      other.subscribe(List.of(topic)); // while `slow` polls no more
      until("takeovers", () -> {
        other.poll(SHORTLY);
        return other.assignment().size() == 1;
      });
      other.commitSync(Map.of(at(topic, 0), new OffsetAndMetadata(1)));
      var why = refused(Exception.class,
          () -> slow.commitSync(Map.of(at(topic, 0), new OffsetAndMetadata(9))));
      check(why instanceof CommitFailedException || why instanceof RebalanceInProgressException,
          "the refusal is " + why);
      equal(1L, other.committed(Set.of(at(topic, 0))).get(at(topic, 0)).offset(), "commit");
    }
  }
}
