package franz

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTopicsAreMadeGrownAndDeleted(t *testing.T) {
	t.Parallel()
	name := fresh("made")
	adm := admin(t)
	value := "3600000"
	made, err := adm.CreateTopic(within(t), 2, 1, map[string]*string{"retention.ms": &value}, name)
	ok(t, err)
	equal(t, "partitions", 2, made.NumPartitions)
	equal(t, "replicas", 1, made.ReplicationFactor)
	retention := made.Configs["retention.ms"]
	equal(t, "a configuration", value, retention.MaybeValue())
	_, err = adm.CreateTopic(within(t), 1, 1, nil, name)
	refused(t, kerr.TopicAlreadyExists, err)
	grown, err := adm.UpdatePartitions(within(t), 5, name)
	ok(t, err)
	ok(t, grown.Error())
	listed, err := adm.ListTopics(within(t), name)
	ok(t, err)
	equal(t, "partitions", 5, len(listed[name].Partitions))
	equal(t, "id", made.ID, listed[name].ID)
	for _, wrong := range []string{"no/name", "..", ""} {
		_, err = adm.CreateTopic(within(t), 1, 1, nil, wrong)
		refused(t, kerr.InvalidTopicException, err)
	}
	gone, err := adm.DeleteTopics(within(t), name)
	ok(t, err)
	ok(t, gone.Error())
	listed, err = admin(t).ListTopics(within(t), name) // the other one has a cache
	ok(t, err)
	refused(t, kerr.UnknownTopicOrPartition, listed[name].Err)
}

func TestConfigurationsAreAlteredAndDescribed(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1, "retention.ms", "3600000")
	adm := admin(t)
	set := "2000000"
	altered, err := adm.AlterTopicConfigs(within(t), []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &set},
		{Op: kadm.DeleteConfig, Name: "retention.ms"}}, topic)
	ok(t, err)
	ok(t, altered[0].Err)
	described, err := adm.DescribeTopicConfigs(within(t), topic)
	ok(t, err)
	seen := map[string]kadm.Config{}
	for _, config := range described[0].Configs {
		seen[config.Key] = config
	}
	size, retention := seen["max.message.bytes"], seen["retention.ms"]
	equal(t, "what was set", set, size.MaybeValue())
	equal(t, "its source", kmsg.ConfigSourceDynamicTopicConfig, size.Source)
	equal(t, "what was deleted", kmsg.ConfigSourceDefaultConfig, retention.Source)
	soon := "soon"
	altered, err = adm.AlterTopicConfigs(within(t),
		[]kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &soon}}, topic)
	ok(t, err)
	refused(t, kerr.InvalidConfig, altered[0].Err)
}

func TestOffsetsAreListedAndRecordsDeleted(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1)
	fill(t, topic, 0, 10)
	adm := admin(t)
	deleted, err := adm.DeleteRecords(within(t),
		kadm.Offsets{topic: {0: kadm.Offset{Topic: topic, Partition: 0, At: 4}}})
	ok(t, err)
	low, _ := deleted.Lookup(topic, 0)
	equal(t, "low watermark", 4, low.LowWatermark)
	for name, list := range map[string]struct {
		offsets func() (kadm.ListedOffsets, error)
		want    int64
	}{
		"start":    {func() (kadm.ListedOffsets, error) { return adm.ListStartOffsets(within(t), topic) }, 4},
		"end":      {func() (kadm.ListedOffsets, error) { return adm.ListEndOffsets(within(t), topic) }, 10},
		"stable":   {func() (kadm.ListedOffsets, error) { return adm.ListCommittedOffsets(within(t), topic) }, 10},
		"local":    {func() (kadm.ListedOffsets, error) { return adm.ListLocalLogStartOffsets(within(t), topic) }, 4},
		"remote":   {func() (kadm.ListedOffsets, error) { return adm.ListLatestRemoteOffsets(within(t), topic) }, -1},
		"by time":  {func() (kadm.ListedOffsets, error) { return adm.ListOffsetsAfterMilli(within(t), 0, topic) }, 4},
		"too late": {func() (kadm.ListedOffsets, error) { return adm.ListOffsetsAfterMilli(within(t), 1<<60, topic) }, 10},
	} {
		listed, err := list.offsets()
		ok(t, err)
		got, _ := listed.Lookup(topic, 0)
		ok(t, got.Err)
		equal(t, name, list.want, got.Offset)
	}
	take(t, client(t, reading(topic, 0)), 6)
}

func TestGroupsAreListedDescribedAndDeleted(t *testing.T) {
	t.Parallel()
	topic := topic(t, 2)
	adm := admin(t)
	m := join(t, topic, topic)
	shares(t, []int{2}, m)
	listed, err := adm.ListGroups(within(t), "Stable")
	ok(t, err)
	equal(t, "protocol", "consumer", listed[topic].ProtocolType)
	described, err := adm.DescribeGroups(within(t), topic)
	ok(t, err)
	group := described[topic]
	equal(t, "state", "Stable", group.State)
	equal(t, "members", 1, len(group.Members))
	equal(t, "partitions", 2, len(group.AssignedPartitions()[topic]))
	_, err = adm.DeleteGroup(within(t), topic)
	refused(t, kerr.NonEmptyGroup, err)
	m.stop()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 5, -1)
	offsets.AddOffset(topic, 1, 6, -1)
	ok(t, adm.CommitAllOffsets(within(t), topic, offsets))
	removed, err := adm.DeleteOffsets(within(t), topic, kadm.TopicsSet{topic: {0: {}}})
	ok(t, err)
	ok(t, removed.Error())
	left, err := adm.FetchOffsets(within(t), topic)
	ok(t, err)
	equal(t, "offsets left", 1, len(left.Sorted()))
	_, err = adm.DeleteGroup(within(t), topic)
	ok(t, err)
	listed, err = adm.ListGroups(within(t))
	ok(t, err)
	_, there := listed[topic]
	equal(t, "a deleted group", false, there)
}

func TestProducersLogDirectoriesAndNodesAreDescribed(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1)
	cl := client(t)
	ok(t, cl.ProduceSync(within(t), numbered(topic, 0, 0, 5)...).FirstErr())
	id, _, err := cl.ProducerID(within(t))
	ok(t, err)
	adm := admin(t)
	producers, err := adm.DescribeProducers(within(t), kadm.TopicsSet{topic: {0: {}}})
	ok(t, err)
	active := producers[topic].Partitions[0].ActiveProducers
	equal(t, "producers", 1, len(active))
	equal(t, "its last sequence", 4, active[id].LastSequence)
	directories, err := adm.DescribeAllLogDirs(within(t), kadm.TopicsSet{topic: {0: {}}})
	ok(t, err)
	var size int64
	directories.Each(func(d kadm.DescribedLogDir) { size += d.Size() })
	equal(t, "bytes on the disk", true, size > 60)
	metadata, err := adm.BrokerMetadata(within(t))
	ok(t, err)
	equal(t, "the controller is a node", metadata.Brokers[0].NodeID, metadata.Controller)
	equal(t, "an id of the cluster", true, len(metadata.Cluster) > 10)
}

// Admin calls go to the controller that Metadata names, whichever that is.
func TestTheControllerThatMetadataNamesAnswersAdminCalls(t *testing.T) {
	t.Parallel()
	cl := client(t)
	metadata := ask[*kmsg.MetadataResponse](t, cl, kmsg.NewPtrMetadataRequest())
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = 10_000
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = fresh("at"), 1, 1
	request.Topics = append(request.Topics, wanted)
	answer, err := cl.Broker(int(metadata.ControllerID)).Request(within(t), request)
	ok(t, err)
	ok(t, kerr.ErrorForCode(answer.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode))
	reader := client(t, kgo.ConsumeTopics(wanted.Topic))
	fill(t, wanted.Topic, 0, 1)
	take(t, reader, 1)
}
