import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidRegularExpression;

/** Groups whose coordinator assigns (KIP-848): group.protocol=consumer. */
class AssignedGroups extends ClientCase {
  static final String PROTOCOL = "group.protocol=consumer";

  static List<Case> cases() {
    return List.of(
        new Case("an assigned group shares uniformly", () -> shared("uniform")),
        new Case("an assigned group shares by range", () -> shared("range")),
        new Case("an assigned group gets partitions that are added", AssignedGroups::added),
        new Case("an assigned group subscribes by a pattern", AssignedGroups::pattern),
        new Case("a static member of an assigned group comes back to what it had",
            AssignedGroups::staticMember),
        new Case("an assigned group goes on where it was", AssignedGroups::goesOn),
        new Case("a name passes between classic and assigned groups",
            AssignedGroups::otherKind),
        new Case("a group goes over with eager members in it, and back",
            () -> goesOver(RangeAssignor.class)),
        new Case("a group goes over with cooperative members in it, and back",
            () -> goesOver(CooperativeStickyAssignor.class)));
  }

  static void shared(String assignor) throws Exception {
    String topic = topic(6);
    String group = fresh("g");
    try (var members = new Groups.Members(
        topic, "group.id=" + group, PROTOCOL, "group.remote.assignor=" + assignor)) {
      var owned = members.shareSix();
      try (var admin = admin()) {
        until("a description as stable", () -> {
          members.all.values().forEach(m -> m.poll(Duration.ofMillis(10)));
          try {
            return done(admin.describeConsumerGroups(List.of(group)).all())
                .get(group).groupState() == GroupState.STABLE;
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
        var told = done(admin.describeConsumerGroups(List.of(group)).all()).get(group);
        equal(GroupType.CONSUMER, told.type(), "type described");
        equal(3, told.members().size(), "members described");
        equal(assignor, told.partitionAssignor(), "assignor described");
        var described = new HashSet<TopicPartition>();
        for (var m : told.members()) {
          described.addAll(m.assignment().topicPartitions());
          equal(m.assignment(), m.targetAssignment().orElseThrow(), "target described");
          equal(true, m.upgraded().orElseThrow(), "protocol described");
        }
        equal(owned, described, "partitions described");
        var listed = done(admin.listGroups(new ListGroupsOptions()
            .withTypes(Set.of(GroupType.CONSUMER)).inGroupStates(Set.of(GroupState.STABLE))).all());
        check(listed.stream().anyMatch(g -> g.groupId().equals(group)), "it is not listed");
      }
    }
  }

  static void added() throws Exception {
    String topic = topic(1);
    try (var members = new Groups.Members(topic, "group.id=" + fresh("g"), PROTOCOL);
        var admin = admin()) {
      members.join("a");
      members.pollUntil("assignments", () -> members.shares().equals(List.of(1)));
      done(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all());
      members.pollUntil("new partitions", () -> members.shares().equals(List.of(3)));
    }
  }

  static void pattern() throws Exception {
    String topic = topic(2);
    try (var reader = consumer("group.id=" + fresh("g"), PROTOCOL); var admin = admin()) {
      reader.subscribe(new SubscriptionPattern(topic + "(-.*)?"));
      until("assignments", () -> {
        reader.poll(SHORTLY);
        return reader.assignment().size() == 2;
      });
      done(admin.createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic(
          topic + "-more", 3, (short) 1))).all());
      until("new topics", () -> {
        reader.poll(SHORTLY);
        return reader.assignment().size() == 5;
      });
      done(admin.deleteTopics(List.of(topic + "-more")).all());
      until("topics that are gone", () -> {
        reader.poll(SHORTLY);
        return reader.assignment().size() == 2;
      });
    }
    try (var reader = consumer("group.id=" + fresh("g"), PROTOCOL)) {
      reader.subscribe(new SubscriptionPattern("("));
      refused(InvalidRegularExpression.class, () -> until("refusals", () -> {
        reader.poll(SHORTLY);
        return false;
      }));
    }
  }

  static void staticMember() throws Exception {
    String topic = topic(4);
    try (var members = new Groups.Members(topic, "group.id=" + fresh("g"), PROTOCOL)) {
      for (String name : List.of("a", "b"))
        members.join(name, "group.instance.id=" + name);
      members.pollUntil("shares", () -> members.shares().equals(List.of(2, 2)));
      var held = members.all.get("a").assignment();
      var kept = members.all.get("b").assignment();
      members.leave("a");
      var again = members.join("a", "group.instance.id=a");
      members.pollUntil("assignments again", () -> again.assignment().equals(held));
      equal(kept, members.all.get("b").assignment(), "what the other one has");
    }
  }

  static void goesOn() throws Exception {
    String topic = topic(1);
    String group = "group.id=" + fresh("g");
    fill(topic, 0, 100);
    try (var reader = consumer(group, PROTOCOL)) {
      reader.subscribe(List.of(topic));
      take(reader, 100);
      reader.commitSync(Map.of(at(topic, 0), new OffsetAndMetadata(60)));
    }
    try (var reader = consumer(group, PROTOCOL)) {
      reader.subscribe(List.of(topic));
      equal(60L, take(reader, 40).get(0).offset(), "where it goes on");
    }
  }

  static void goesOver(Class<? extends ConsumerPartitionAssignor> assignor) throws Exception {
    String topic = topic(6);
    String name = fresh("g");
    String[] classic = {Groups.SESSION, Groups.HEARTBEAT,
        "partition.assignment.strategy=" + assignor.getName()};
    try (var members = new Groups.Members(topic, "group.id=" + name); var admin = admin()) {
      members.join("a", classic);
      members.join("b", classic);
      members.pollUntil("classic shares", () -> members.shares().equals(List.of(3, 3)));
      equal(GroupType.CLASSIC, typeOf(admin, name), "type at first");
      members.join("new", PROTOCOL);
      members.pollUntil("shares in both protocols",
          () -> members.shares().equals(List.of(2, 2, 2)));
      equal(GroupType.CONSUMER, typeOf(admin, name), "type with a new member");
      var told = done(admin.describeConsumerGroups(List.of(name)).all()).get(name);
      equal(1L, told.members().stream().filter(m -> m.upgraded().orElseThrow()).count(),
          "members of the new protocol described");
      for (int p = 0; p < 6; p++)
        fill(topic, p, 100);
      members.pollUntil("records", () -> members.seen.size() == 100);
      for (var m : members.all.values())
        m.commitSync();
      members.join("late", classic);
      members.pollUntil("shares of four", () -> members.shares().equals(List.of(1, 1, 2, 2)));
      members.leave("late");
      members.leave("new");
      members.pollUntil("classic shares again", () -> members.shares().equals(List.of(3, 3)));
      equal(GroupType.CLASSIC, typeOf(admin, name), "type in the end");
    }
  }

  static GroupType typeOf(Admin admin, String group) throws Exception {
    return done(admin.listGroups().all()).stream().filter(g -> g.groupId().equals(group))
        .findFirst().orElseThrow().type().orElseThrow();
  }

  static void otherKind() throws Exception {
    String topic = topic(1);
    String name = fresh("g");
    String group = "group.id=" + name;
    fill(topic, 0, 30);
    int from = 0;
    for (String protocol : List.of("classic", "consumer", "classic", "consumer")) {
      try (var reader = consumer(group, "group.protocol=" + protocol)) {
        reader.subscribe(List.of(topic));
        equal((long) from, take(reader, 30 - from).get(0).offset(), "where it goes on");
        from += 5;
        reader.commitSync(Map.of(at(topic, 0), new OffsetAndMetadata(from)));
      }
    }
    try (var admin = admin()) {
      done(admin.deleteConsumerGroups(List.of(name)).all());
      var left = done(admin.listGroups().all());
      check(left.stream().noneMatch(g -> g.groupId().equals(name)), "it is still there");
    }
  }
}
