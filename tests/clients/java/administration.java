import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigType;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.GroupSubscribedToTopicException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

class Administration extends ClientCase {
  static List<Case> cases() {
    return List.of(
        new Case("topics are created with ids and configurations and deleted",
            Administration::topics),
        new Case("topics that cannot be are refused, each for its reason",
            Administration::refusedTopics),
        new Case("partitions are added", Administration::partitions),
        new Case("records are deleted up to an offset", Administration::deleteRecords),
        new Case("configurations are altered and described with source and type",
            Administration::configs),
        new Case("a broker's secrets are not told", Administration::brokerConfigs),
        new Case("offsets are listed, that of the latest time too", Administration::listOffsets),
        new Case("groups are listed, described and deleted", Administration::groups),
        new Case("a group's offsets are altered and deleted", Administration::groupOffsets),
        new Case("active producers are described", Administration::producers),
        new Case("log directories are described", Administration::logDirs),
        new Case("the cluster and its features are described", Administration::cluster));
  }

  static void topics() throws Exception {
    String name = fresh("topic");
    try (Admin admin = admin()) {
      var created = admin.createTopics(List.of(
          new NewTopic(name, 3, (short) 1).configs(Map.of("retention.ms", "3600000"))));
      var id = done(created.topicId(name));
      equal(3, done(created.numPartitions(name)), "partitions");
      equal(1, done(created.replicationFactor(name)), "replicas");
      var retention = done(created.config(name)).get("retention.ms");
      equal("3600000", retention.value(), "a configuration that was given");
      equal(ConfigSource.DYNAMIC_TOPIC_CONFIG, retention.source(), "its source");
      check(done(created.config(name)).get("segment.bytes").isDefault(), "one that was not");
      check(done(admin.listTopics().names()).contains(name), "it is not listed");
      var told = done(admin.describeTopics(List.of(name)).allTopicNames()).get(name);
      equal(id, told.topicId(), "the id");
      equal(3, told.partitions().size(), "partitions described");
      for (var partition : told.partitions()) {
        equal(partition.replicas(), partition.isr(), "replicas in sync");
        equal(partition.leader(), partition.replicas().get(0), "leader");
      }
      var byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(id)));
      equal(name, done(byId.allTopicIds()).get(id).name(), "the name of the id");
      done(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all());
      check(!done(admin.listTopics().names()).contains(name), "it is still listed");
      refused(UnknownTopicIdException.class,
          () -> done(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds()));
      refused(UnknownTopicOrPartitionException.class,
          () -> done(admin.deleteTopics(List.of(name)).all()));
    }
  }

  static void refusedTopics() throws Exception {
    String name = fresh("a.b");
    try (Admin admin = admin()) {
      var tries = new HashMap<NewTopic, Class<? extends Exception>>();
      done(admin.createTopics(List.of(new NewTopic(name, 1, (short) 1))).all());
      tries.put(new NewTopic(name, 1, (short) 1), TopicExistsException.class);
      // Their metrics would have one name.
      tries.put(new NewTopic(name.replace('.', '_'), 1, (short) 1), InvalidTopicException.class);
      tries.put(new NewTopic("no/name", 1, (short) 1), InvalidTopicException.class);
      tries.put(new NewTopic(fresh("p"), 0, (short) 1), InvalidPartitionsException.class);
      tries.put(new NewTopic(fresh("r"), 1, (short) 9), InvalidReplicationFactorException.class);
      tries.put(new NewTopic(fresh("c"), 1, (short) 1).configs(Map.of("retention.ms", "soon")),
          InvalidConfigurationException.class);
      tries.put(new NewTopic(fresh("c"), 1, (short) 1).configs(Map.of("no.such.key", "1")),
          InvalidConfigurationException.class);
      for (var wanted : tries.entrySet()) {
        var why = refused(wanted.getValue(),
            () -> done(admin.createTopics(List.of(wanted.getKey())).all()));
        check(why.getMessage().length() > 10, "no sentence: " + why);
      }
      var several = admin.createTopics(List.of(
          new NewTopic(name, 1, (short) 1), new NewTopic(fresh("good"), 1, (short) 1)));
      refused(TopicExistsException.class, () -> done(several.values().get(name)));
      equal(1L, several.values().values().stream().filter(f -> {
        try {
          done(f);
          return true;
        } catch (Exception e) {
          return false;
        }
      }).count(), "topics created beside one refused");
    }
  }

  static void partitions() throws Exception {
    String topic = topic(2);
    try (Admin admin = admin()) {
      done(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all());
      equal(5, done(admin.describeTopics(List.of(topic)).allTopicNames())
          .get(topic).partitions().size(), "partitions");
      for (int fewer : new int[] {5, 3})
        refused(InvalidPartitionsException.class, () -> done(
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(fewer))).all()));
      fill(topic, 4, 3);
    }
  }

  static void deleteRecords() throws Exception {
    String topic = topic(1);
    var partition = at(topic, 0);
    fill(topic, 0, 10);
    try (Admin admin = admin(); var consumer = consumer()) {
      var deleted = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(4)));
      equal(4L, done(deleted.lowWatermarks().get(partition)).lowWatermark(), "low watermark");
      equal(Map.of(partition, 4L), consumer.beginningOffsets(List.of(partition)), "beginning");
      consumer.assign(List.of(partition));
      equal(4L, take(consumer, 6).get(0).offset(), "the first that is left");
      refused(OffsetOutOfRangeException.class, () -> done(
          admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(11))).all()));
      var all = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(-1)));
      equal(10L, done(all.lowWatermarks().get(partition)).lowWatermark(), "all are deleted");
    }
  }

  static Map<String, ConfigEntry> described(Admin admin, ConfigResource of) throws Exception {
    var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
    var map = new HashMap<String, ConfigEntry>();
    done(admin.describeConfigs(List.of(of), options).all()).get(of).entries()
        .forEach(e -> map.put(e.name(), e));
    return map;
  }

  static void alter(Admin admin, ConfigResource of, AlterConfigOp.OpType type, String name,
      String value) throws Exception {
    done(admin.incrementalAlterConfigs(
        Map.of(of, List.of(new AlterConfigOp(new ConfigEntry(name, value), type)))).all());
  }

  static void configs() throws Exception {
    var topic = new ConfigResource(ConfigResource.Type.TOPIC, topic(1, "retention.ms=7200000"));
    try (Admin admin = admin()) {
      var before = described(admin, topic);
      equal(ConfigType.LONG, before.get("retention.ms").type(), "a type");
      equal(ConfigType.INT, before.get("segment.bytes").type(), "a type");
      equal(ConfigType.LIST, before.get("cleanup.policy").type(), "a type");
      equal(ConfigSource.DEFAULT_CONFIG, before.get("segment.bytes").source(), "a source");
      check(before.get("retention.ms").documentation() != null, "no documentation");
      alter(admin, topic, AlterConfigOp.OpType.SET, "max.message.bytes", "2000000");
      alter(admin, topic, AlterConfigOp.OpType.DELETE, "retention.ms", "");
      var after = described(admin, topic);
      equal("2000000", after.get("max.message.bytes").value(), "what was set");
      var synonyms = after.get("max.message.bytes").synonyms();
      equal(List.of("max.message.bytes", "message.max.bytes"),
          synonyms.stream().map(s -> s.name()).toList(), "synonyms");
      equal(List.of(ConfigSource.DYNAMIC_TOPIC_CONFIG, ConfigSource.DEFAULT_CONFIG),
          synonyms.stream().map(s -> s.source()).toList(), "their sources");
      check(after.get("retention.ms").isDefault(), "what was deleted");
      for (var wrong : List.of("retention.ms=soon", "no.such.key=1", "segment.bytes=1"))
        refused(InvalidConfigurationException.class, () -> alter(admin, topic,
            AlterConfigOp.OpType.SET, wrong.split("=")[0], wrong.split("=")[1]));
      refused(UnknownTopicOrPartitionException.class, () -> described(
          admin, new ConfigResource(ConfigResource.Type.TOPIC, fresh("absent"))));
      check(done(admin.listConfigResources().all()).contains(topic), "it is not listed");
    }
  }

  static void brokerConfigs() throws Exception {
    try (Admin admin = admin()) {
      String id = "" + done(admin.describeCluster().nodes()).iterator().next().id();
      var broker = described(admin, new ConfigResource(ConfigResource.Type.BROKER, id));
      check(broker.containsKey("log.segment.bytes"), "no log.segment.bytes");
      equal(id, broker.get("node.id").value(), "node.id");
      check(broker.get("node.id").isReadOnly(), "node.id could be altered");
      for (var entry : broker.values())
        if (entry.isSensitive() || entry.name().contains("password"))
          equal(null, entry.value(), "the value of " + entry.name());
    }
  }

  static void listOffsets() throws Exception {
    String topic = topic(2, "retention.ms=-1");
    var partition = at(topic, 0);
    try (var producer = producer("linger.ms=100")) {
      for (long time : new long[] {1000, 5000, 3000, 5000, 2000})
        producer.send(new ProducerRecord<>(topic, 0, time, null, "x"));
    }
    try (Admin admin = admin()) {
      var specs = Map.of(OffsetSpec.earliest(), 0L, OffsetSpec.latest(), 5L,
          OffsetSpec.maxTimestamp(), 1L, OffsetSpec.forTimestamp(2500), 1L,
          OffsetSpec.forTimestamp(5001), -1L, OffsetSpec.earliestLocal(), 0L,
          OffsetSpec.latestTiered(), -1L);
      for (var spec : specs.entrySet()) {
        var found = done(admin.listOffsets(Map.of(partition, spec.getKey())).all()).get(partition);
        equal(spec.getValue(), found.offset(), spec.getKey().getClass().getSimpleName());
      }
      var latest = done(admin.listOffsets(
          Map.of(partition, OffsetSpec.maxTimestamp())).all()).get(partition);
      equal(5000L, latest.timestamp(), "the latest time");
      var empty = done(admin.listOffsets(
          Map.of(at(topic, 1), OffsetSpec.maxTimestamp())).all()).get(at(topic, 1));
      equal(-1L, empty.offset(), "the latest time's offset of nothing");
    }
  }

  static void groups() throws Exception {
    String topic = topic(2);
    String group = fresh("g");
    try (Admin admin = admin(); var consumer = consumer("group.id=" + group,
        "client.id=described")) {
      consumer.subscribe(List.of(topic));
      until("assignments", () -> {
        consumer.poll(SHORTLY);
        return consumer.assignment().size() == 2;
      });
      var listed = done(admin.listGroups(new ListGroupsOptions()
          .inGroupStates(Set.of(GroupState.STABLE))
          .withProtocolTypes(Set.of("consumer"))).all());
      check(listed.stream().anyMatch(g -> g.groupId().equals(group)), "it is not listed");
      var told = done(admin.describeConsumerGroups(List.of(group)).all()).get(group);
      equal(GroupState.STABLE, told.groupState(), "state");
      equal("range", told.partitionAssignor(), "assignor");
      var member = told.members().iterator().next();
      equal("described", member.clientId(), "client id");
      equal(Set.of(at(topic, 0), at(topic, 1)), member.assignment().topicPartitions(), "share");
      equal(consumer.groupMetadata().memberId(), member.consumerId(), "member id");
      refused(GroupNotEmptyException.class,
          () -> done(admin.deleteConsumerGroups(List.of(group)).all()));
      consumer.unsubscribe();
      until("empty groups", () -> {
        try {
          done(admin.deleteConsumerGroups(List.of(group)).all());
          return true;
        } catch (Exception e) {
          return false;
        }
      });
      refused(GroupIdNotFoundException.class,
          () -> done(admin.describeConsumerGroups(List.of(group)).all()));
    }
  }

  static void groupOffsets() throws Exception {
    String topic = topic(2);
    String group = fresh("g");
    var first = at(topic, 0);
    var second = at(topic, 1);
    try (Admin admin = admin(); var consumer = consumer("group.id=" + group)) {
      done(admin.alterConsumerGroupOffsets(group, Map.of(
          first, new OffsetAndMetadata(5, "five"), second, new OffsetAndMetadata(6))).all());
      equal(Map.of(first, new OffsetAndMetadata(5, "five"), second, new OffsetAndMetadata(6)),
          done(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()), "offsets");
      done(admin.deleteConsumerGroupOffsets(group, Set.of(first)).all());
      Map<TopicPartition, OffsetAndMetadata> left =
          done(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
      equal(null, left.get(first), "a deleted offset");
      equal(6L, left.get(second).offset(), "another");
      equal(Map.of(), done(admin.listConsumerGroupOffsets(fresh("none"))
          .partitionsToOffsetAndMetadata()), "offsets of no group");
      consumer.subscribe(List.of(topic));
      until("assignments", () -> {
        consumer.poll(SHORTLY);
        return consumer.assignment().size() == 2;
      });
      refused(GroupSubscribedToTopicException.class,
          () -> done(admin.deleteConsumerGroupOffsets(group, Set.of(second)).all()));
    }
  }

  static void producers() throws Exception {
    String topic = topic(1);
    var partition = at(topic, 0);
    try (Admin admin = admin(); var producer = producer("enable.idempotence=true")) {
      for (int i = 0; i < 5; i++)
        producer.send(new ProducerRecord<>(topic, "" + i)).get();
      var active = done(admin.describeProducers(List.of(partition)).all())
          .get(partition).activeProducers();
      equal(1, active.size(), "active producers");
      check(active.get(0).producerId() >= 0, "its id");
      equal(0, active.get(0).producerEpoch(), "its epoch");
      equal(4, active.get(0).lastSequence(), "its last sequence");
      equal(OptionalLong.empty(), active.get(0).currentTransactionStartOffset(), "transaction");
    }
  }

  static void logDirs() throws Exception {
    String topic = topic(2);
    fill(topic, 1, 1000);
    try (Admin admin = admin()) {
      int id = done(admin.describeCluster().nodes()).iterator().next().id();
      var directories = done(admin.describeLogDirs(List.of(id)).allDescriptions()).get(id);
      var replicas = new HashMap<TopicPartition, Long>();
      for (var directory : directories.values()) {
        check(directory.error() == null, "an error");
        check(directory.totalBytes().orElse(0) > 0, "no size of the disk");
        check(directory.usableBytes().orElse(0) > 0, "no room on the disk");
        directory.replicaInfos().forEach((partition, info) -> replicas.put(partition, info.size()));
      }
      check(replicas.get(at(topic, 1)) > 1000, "its size is " + replicas.get(at(topic, 1)));
      check(replicas.containsKey(at(topic, 0)), "an empty partition is missing");
    }
  }

  static void cluster() throws Exception {
    try (Admin admin = admin()) {
      var told = admin.describeCluster();
      var nodes = done(told.nodes());
      check(done(told.clusterId()).length() > 10, "the cluster's id");
      // A controller that answers: admin calls are sent to it.
      check(nodes.contains(done(told.controller())), "the controller is no node");
      equal(SERVER, nodes.iterator().next().host() + ":" + nodes.iterator().next().port(),
          "the address");
      var features = done(admin.describeFeatures().featureMetadata());
      long epoch = features.finalizedFeaturesEpoch().orElse(-1L);
      equal((short) 2, features.finalizedFeatures().get("transaction.version").maxVersionLevel(),
          "the version of transactions");
      topic(1);
      try (Admin later = admin()) {
        long after = done(later.describeFeatures().featureMetadata())
            .finalizedFeaturesEpoch().orElse(-1L);
        check(after >= epoch, "the epoch of features fell from " + epoch + " to " + after);
      }
    }
  }
}
