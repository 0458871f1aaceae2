package franz

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

type disconnects struct{ count atomic.Int32 }

func (d *disconnects) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { d.count.Add(1) }

// written counts the requests of each API.
type written struct {
	mu    sync.Mutex
	count map[int16]int
}

func (w *written) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[key]++
}

// Named check 1: an unknown version gets error 35 in the form of version 0,
// from which the client goes on with one that is known.
func TestAVersionOfApiVersionsThatIsUnknownIsToldTheRanges(t *testing.T) {
	t.Parallel()
	counter := &written{count: map[int16]int{}}
	cl := client(t, kgo.WithHooks(counter))
	ok(t, cl.Ping(within(t)))
	versions := ask[*kmsg.ApiVersionsResponse](t, cl, kmsg.NewPtrApiVersionsRequest())
	highest := int16(-1)
	for _, api := range versions.ApiKeys {
		if api.ApiKey == versions.Key() {
			highest = api.MaxVersion
		}
	}
	counter.mu.Lock()
	defer counter.mu.Unlock()
	// The client opens with its newest version.
	if highest < kmsg.NewPtrApiVersionsRequest().MaxVersion() {
		equal(t, "it was told, and asked again", true, counter.count[versions.Key()] >= 3)
	}
}

// Clients of earlier releases: every version that they pick works.
func TestClientsOfEarlierReleasesAreServed(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string]*kversion.Versions{
		"2.1": kversion.V2_1_0(), "2.4": kversion.V2_4_0(), "2.8": kversion.V2_8_0(),
		"3.0": kversion.V3_0_0(), "3.6": kversion.V3_6_0(), "4.0": kversion.V4_0_0()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := topic(t, 1)
			options := append(quickly(topic, topic), kgo.MaxVersions(versions))
			cl := client(t, options...)
			ok(t, cl.ProduceSync(within(t), numbered(topic, 0, 0, 100)...).FirstErr())
			take(t, cl, 100)
			ok(t, cl.CommitUncommittedOffsets(within(t)))
		})
	}
}

// session asks for fetches within one session (named check 3).
type session struct {
	*kgo.Client
	id    [16]byte
	epoch int32
	num   int32
}

func (s *session) fetch(t *testing.T, change func(*kmsg.FetchRequest)) *kmsg.FetchResponse {
	t.Helper()
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = 200, 1, 1<<20
	request.SessionID, request.SessionEpoch = s.num, s.epoch
	change(request)
	answer := ask[*kmsg.FetchResponse](t, s.Client, request)
	if answer.ErrorCode == 0 {
		s.num = answer.SessionID
		s.epoch++
	}
	return answer
}

func nothing(*kmsg.FetchRequest) {}

func (s *session) want(offsets ...int64) func(*kmsg.FetchRequest) {
	return func(request *kmsg.FetchRequest) {
		wanted := kmsg.NewFetchRequestTopic()
		wanted.TopicID = s.id
		for p, offset := range offsets {
			partition := kmsg.NewFetchRequestTopicPartition()
			partition.Partition, partition.FetchOffset = int32(p), offset
			partition.PartitionMaxBytes = 1 << 20
			wanted.Partitions = append(wanted.Partitions, partition)
		}
		request.Topics = append(request.Topics, wanted)
	}
}

func told(answer *kmsg.FetchResponse) []int32 {
	var all []int32
	for _, topic := range answer.Topics {
		for _, partition := range topic.Partitions {
			all = append(all, partition.Partition)
		}
	}
	return all
}

func newSession(t *testing.T, topic string) *session {
	cl := client(t)
	listed, err := admin(t).ListTopics(within(t), topic)
	ok(t, err)
	return &session{Client: cl, id: listed[topic].ID}
}

// Before the next test, and not beside others.
func TestAFetchSessionTellsWhatChangedAndErrorsAlways(t *testing.T) {
	topic := topic(t, 2)
	s := newSession(t, topic)
	equal(t, "partitions of a full answer", 2, len(told(s.fetch(t, s.want(0, 0)))))
	equal(t, "no session", false, s.num == 0)
	equal(t, "partitions without news", 0, len(told(s.fetch(t, nothing))))
	fill(t, topic, 1, 3)
	answer := s.fetch(t, nothing)
	equal(t, "partitions with news", 1, len(told(answer)))
	equal(t, "the one", 1, told(answer)[0])
	// Out of range: told again and again.
	for range 3 {
		answer = s.fetch(t, s.want(99, 3))
		equal(t, "partitions with an error", 1, len(told(answer)))
		refused(t, kerr.OffsetOutOfRange, kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode))
	}
	forget := func(request *kmsg.FetchRequest) {
		gone := kmsg.NewFetchRequestForgottenTopic()
		gone.TopicID, gone.Partitions = s.id, []int32{0}
		request.ForgottenTopics = append(request.ForgottenTopics, gone)
	}
	equal(t, "partitions once it is forgotten", 0, len(told(s.fetch(t, forget))))
	// The two errors of sessions.
	wrong := *s
	wrong.epoch += 5
	refused(t, kerr.InvalidFetchSessionEpoch, kerr.ErrorForCode(wrong.fetch(t, nothing).ErrorCode))
	wrong.num++
	refused(t, kerr.FetchSessionIDNotFound, kerr.ErrorForCode(wrong.fetch(t, nothing).ErrorCode))
	// Its end, which asks for nothing, is answered at once.
	began := time.Now()
	s.epoch = -1
	equal(t, "session", 0, s.fetch(t, func(r *kmsg.FetchRequest) { r.MaxWaitMillis = 30_000 }).SessionID)
	equal(t, "its end waited", false, time.Since(began) > 10*time.Second)
}

// With more sessions than the cache has room for, fetches are answered in
// full with session id 0. The server runs with few slots for this.
func TestAFullCacheOfSessionsGivesIdZero(t *testing.T) {
	topic := topic(t, 1)
	fill(t, topic, 0, 1)
	s := newSession(t, topic)
	for range 2000 {
		s.num, s.epoch = 0, 0
		answer := s.fetch(t, s.want(0))
		equal(t, "partitions", 1, len(told(answer)))
		equal(t, "records", true, len(answer.Topics[0].Partitions[0].RecordBatches) > 60)
		if answer.SessionID == 0 {
			return
		}
	}
	t.Fatal("every session found room")
}

// Named check 4: what librdkafka and Sarama insist on.
func TestAnAnswerWithoutRecordsHasAnEmptyRunOfBytesAndNoAbortedList(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1)
	s := newSession(t, topic)
	partition := s.fetch(t, s.want(0)).Topics[0].Partitions[0]
	equal(t, "records are null", false, partition.RecordBatches == nil)
	equal(t, "bytes", 0, len(partition.RecordBatches))
	equal(t, "a list of aborted transactions", true, partition.AbortedTransactions == nil)
}

// Named check 5: answers keep the order of requests on one connection. The
// client pipelines; an answer out of order would fail its correlation.
func TestAnswersKeepTheOrderOfRequests(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1)
	s := newSession(t, topic)
	parked := make(chan time.Time, 1)
	node := s.Client.SeedBrokers()[0]
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = 1000, 1, 1<<20
	request.SessionEpoch = -1
	s.want(0)(request)
	go func() {
		_, _ = node.Request(within(t), request) // its time alone counts
		parked <- time.Now()
	}()
	var group sync.WaitGroup
	for range 50 {
		group.Add(1)
		go func() {
			defer group.Done()
			if _, err := node.Request(within(t), kmsg.NewPtrMetadataRequest()); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	<-parked
}

// Named check 6: metadata and assignments are opaque; Connect, Streams and
// schema registries bring protocols of their own.
func TestAGroupOfAnotherProtocolTypeKeepsItsBytes(t *testing.T) {
	t.Parallel()
	group := fresh("connect")
	cl := client(t)
	metadata, assignment := []byte{0, 255, 1, 2}, bytes.Repeat([]byte{7, 0}, 5000)
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.ProtocolType = group, "connect"
	join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = 10_000, 10_000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "sessioned", metadata
	join.Protocols = append(join.Protocols, protocol)
	first := ask[*kmsg.JoinGroupResponse](t, cl, join)
	refused(t, kerr.MemberIDRequired, kerr.ErrorForCode(first.ErrorCode))
	join.MemberID = first.MemberID
	joined := ask[*kmsg.JoinGroupResponse](t, cl, join)
	ok(t, kerr.ErrorForCode(joined.ErrorCode))
	equal(t, "leader", joined.MemberID, joined.LeaderID)
	equal(t, "protocol type", "connect", *joined.ProtocolType)
	equal(t, "metadata", string(metadata), string(joined.Members[0].ProtocolMetadata))
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = group, joined.Generation, joined.MemberID
	sync.ProtocolType, sync.Protocol = joined.ProtocolType, joined.Protocol
	given := kmsg.NewSyncGroupRequestGroupAssignment()
	given.MemberID, given.MemberAssignment = joined.MemberID, assignment
	sync.GroupAssignment = append(sync.GroupAssignment, given)
	synced := ask[*kmsg.SyncGroupResponse](t, cl, sync)
	ok(t, kerr.ErrorForCode(synced.ErrorCode))
	equal(t, "assignment", string(assignment), string(synced.MemberAssignment))
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{group}
	told := ask[*kmsg.DescribeGroupsResponse](t, cl, describe).Groups[0]
	equal(t, "protocol type described", "connect", told.ProtocolType)
	equal(t, "metadata described", string(metadata), string(told.Members[0].ProtocolMetadata))
	equal(t, "assignment described", string(assignment), string(told.Members[0].MemberAssignment))
	// A consumer may not come into it.
	join.MemberID, join.ProtocolType = "", "consumer"
	other := ask[*kmsg.JoinGroupResponse](t, cl, join)
	refused(t, kerr.InconsistentGroupProtocol, kerr.ErrorForCode(other.ErrorCode))
}

// Named check 7: by name and by id, all topics and those without a commit.
func TestOffsetsAreFetchedByIdAndMissingOnesAreMinusOne(t *testing.T) {
	t.Parallel()
	topic := topic(t, 2)
	group := fresh("offsets")
	cl := client(t)
	s := newSession(t, topic)
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group = group // generation -1: a simple commit to an empty group
	wanted := kmsg.NewOffsetCommitRequestTopic()
	wanted.Topic, wanted.TopicID = topic, s.id
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	text := "opaque"
	partition.Offset, partition.Metadata = 5, &text
	wanted.Partitions = append(wanted.Partitions, partition)
	commit.Topics = append(commit.Topics, wanted)
	committed := ask[*kmsg.OffsetCommitResponse](t, cl, commit)
	ok(t, kerr.ErrorForCode(committed.Topics[0].Partitions[0].ErrorCode))
	fetch := kmsg.NewPtrOffsetFetchRequest()
	asked := kmsg.NewOffsetFetchRequestGroup()
	asked.Group = group
	of := kmsg.NewOffsetFetchRequestGroupTopic()
	of.Topic, of.TopicID, of.Partitions = topic, s.id, []int32{0, 1}
	asked.Topics = append(asked.Topics, of)
	fetch.Groups = append(fetch.Groups, asked)
	found := ask[*kmsg.OffsetFetchResponse](t, cl, fetch).Groups[0].Topics[0]
	equal(t, "topic id", s.id, found.TopicID)
	equal(t, "offset", 5, found.Partitions[0].Offset)
	equal(t, "metadata", text, *found.Partitions[0].Metadata)
	equal(t, "no offset", -1, found.Partitions[1].Offset)
	equal(t, "its error", 0, found.Partitions[1].ErrorCode)
	equal(t, "its metadata", "", *found.Partitions[1].Metadata)
	fetch.Groups[0].Topics = nil // null: all
	all := ask[*kmsg.OffsetFetchResponse](t, cl, fetch).Groups[0]
	equal(t, "topics of all", 1, len(all.Topics))
	equal(t, "partitions of all", 1, len(all.Topics[0].Partitions))
}

// Named check 8: zstd came with version 7 of Produce (KIP-110).
func TestZstdBelowVersionSevenIsRefused(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1)
	cl := client(t, kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerLinger(20*time.Millisecond))
	ok(t, cl.ProduceSync(within(t), numbered(topic, 0, 0, 100)...).FirstErr())
	s := newSession(t, topic)
	batch := s.fetch(t, s.want(0)).Topics[0].Partitions[0].RecordBatches
	equal(t, "the codec of what is stored", 4, batch[22]&7)
	for _, versions := range []*kversion.Versions{kversion.V2_0_0(), kversion.V2_1_0()} {
		request := kmsg.NewPtrProduceRequest()
		request.Acks, request.TimeoutMillis = -1, 10_000
		to := kmsg.NewProduceRequestTopic()
		to.Topic = topic
		partition := kmsg.NewProduceRequestTopicPartition()
		partition.Records = withoutProducer(batch)
		to.Partitions = append(to.Partitions, partition)
		request.Topics = append(request.Topics, to)
		answer := ask[*kmsg.ProduceResponse](t, client(t, kgo.MaxVersions(versions)), request)
		code := kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode)
		if answer.Version < 7 {
			refused(t, kerr.UnsupportedCompressionType, code)
		} else {
			ok(t, code)
		}
	}
}
