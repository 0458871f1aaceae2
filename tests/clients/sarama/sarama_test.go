// Sarama against the server at $BOOTSTRAP; each name is true when it passes.
package sarama

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// Far more than anything takes, but on a busy machine.
const patience = 100 * time.Second

var servers = strings.Split(os.Getenv("BOOTSTRAP"), ",")

func fresh(prefix string) string {
	return fmt.Sprintf("%s-%012x", prefix, rand.Int63()&0xffffffffffff)
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.MaxWaitTime = 100 * time.Millisecond
	c.Consumer.Group.Session.Timeout = 6 * time.Second
	c.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%v, not %v", got, want)
	}
}

func until(t *testing.T, sentence string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, sentence)
		}
	}
}

func admin(t *testing.T) sarama.ClusterAdmin {
	made, err := sarama.NewClusterAdmin(servers, config())
	must(t, err)
	t.Cleanup(func() { made.Close() })
	return made
}

func topic(t *testing.T, partitions int32, configs map[string]*string) string {
	name := fresh("sarama")
	must(t, admin(t).CreateTopic(name, &sarama.TopicDetail{
		NumPartitions: partitions, ReplicationFactor: -1, ConfigEntries: configs}, false))
	return name
}

func producer(t *testing.T, c *sarama.Config) sarama.SyncProducer {
	made, err := sarama.NewSyncProducer(servers, c)
	must(t, err)
	t.Cleanup(func() { made.Close() })
	return made
}

func fill(t *testing.T, name string, partition int32, values ...string) {
	p := producer(t, config())
	for _, value := range values {
		_, _, err := p.SendMessage(&sarama.ProducerMessage{
			Topic: name, Partition: partition, Value: sarama.StringEncoder(value)})
		must(t, err)
	}
}

// take reads count records of partition 0 from its beginning.
func take(t *testing.T, name string, count int, c *sarama.Config) []*sarama.ConsumerMessage {
	t.Helper()
	consumer, err := sarama.NewConsumer(servers, c)
	must(t, err)
	defer consumer.Close()
	at, err := consumer.ConsumePartition(name, 0, sarama.OffsetOldest)
	must(t, err)
	defer at.Close()
	var taken []*sarama.ConsumerMessage
	timeout := time.After(patience)
	for len(taken) < count {
		select {
		case m := <-at.Messages():
			taken = append(taken, m)
		case <-timeout:
			t.Fatalf("%d records come, not %d", len(taken), count)
		}
	}
	return taken
}

func TestEachCodecBringsBackKeysHeadersAndNulls(t *testing.T) {
	codecs := []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP,
		sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD}
	for _, codec := range codecs {
		for _, idempotent := range []bool{false, true} {
			c := config()
			c.Producer.Compression = codec
			if idempotent {
				c.Producer.Idempotent = true
				c.Net.MaxOpenRequests = 1
			} else {
				c.Producer.RequiredAcks = sarama.WaitForLocal
			}
			name := topic(t, 1, nil)
			p := producer(t, c)
			var sent []*sarama.ProducerMessage
			for i := 0; i < 200; i++ {
				m := &sarama.ProducerMessage{Topic: name,
					Key: sarama.StringEncoder(fmt.Sprint("k", i)),
					Headers: []sarama.RecordHeader{
						{Key: []byte("h"), Value: []byte(fmt.Sprint(i))}}}
				if i%3 != 0 {
					m.Value = sarama.StringEncoder(strings.Repeat("v", i))
				}
				sent = append(sent, m)
			}
			must(t, p.SendMessages(sent))
			for i, m := range take(t, name, 200, config()) {
				equal(t, m.Offset, int64(i))
				equal(t, string(m.Key), fmt.Sprint("k", i))
				equal(t, string(m.Headers[0].Value), fmt.Sprint(i))
				equal(t, m.Value == nil, i%3 == 0)
				equal(t, len(m.Value), i*min(i%3, 1))
			}
		}
	}
}

func TestOldVersionsOfTheProtocolAreSpoken(t *testing.T) {
	name := topic(t, 1, nil)
	for i, version := range []sarama.KafkaVersion{
		sarama.V2_1_0_0, sarama.V2_8_0_0, sarama.V3_6_0_0, sarama.MaxVersion} {
		c := config()
		c.Version = version
		_, offset, err := producer(t, c).SendMessage(&sarama.ProducerMessage{
			Topic: name, Value: sarama.StringEncoder(version.String())})
		must(t, err)
		equal(t, offset, int64(i))
		equal(t, string(take(t, name, i+1, c)[i].Value), version.String())
	}
}

func TestOffsetsAreFoundByTimeAndAtBothEnds(t *testing.T) {
	name := topic(t, 1, nil)
	now := time.Now().Truncate(time.Millisecond)
	p := producer(t, config())
	for i := 0; i < 50; i++ {
		_, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: name,
			Value: sarama.StringEncoder("x"), Timestamp: now.Add(time.Duration(i) * time.Second)})
		must(t, err)
	}
	client, err := sarama.NewClient(servers, config())
	must(t, err)
	defer client.Close()
	for at, want := range map[int64]int64{
		sarama.OffsetOldest: 0, sarama.OffsetNewest: 50, now.UnixMilli() + 20001: 21} {
		found, err := client.GetOffset(name, 0, at)
		must(t, err)
		equal(t, found, want)
	}
}

// member is one of a group; it keeps what it is given.
type member struct {
	mutex  sync.Mutex
	claims []int32
	values []string
	sarama.ConsumerGroup
}

func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.claims = nil
	for _, partitions := range s.Claims() {
		m.claims = append(m.claims, partitions...)
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, ok := <-c.Messages():
			if !ok {
				return nil
			}
			m.mutex.Lock()
			m.values = append(m.values, string(record.Value))
			m.mutex.Unlock()
			s.MarkMessage(record, "")
			s.Commit()
		case <-s.Context().Done():
			return nil
		}
	}
}

func (m *member) has() (claims, values int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return len(m.claims), len(m.values)
}

func join(t *testing.T, group, name string, how sarama.BalanceStrategy) *member {
	c := config()
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{how}
	made, err := sarama.NewConsumerGroup(servers, group, c)
	must(t, err)
	m := &member{ConsumerGroup: made}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !errors.Is(made.Consume(context.Background(), []string{name}, m),
			sarama.ErrClosedConsumerGroup) {
		}
	}()
	t.Cleanup(func() { made.Close(); <-done })
	return m
}

func TestAGroupSharesPartitionsAndTheOneThatIsLeftTakesOver(t *testing.T) {
	for _, how := range []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange(),
		sarama.NewBalanceStrategyRoundRobin(), sarama.NewBalanceStrategySticky()} {
		name, group := topic(t, 4, nil), fresh("group")
		first, second := join(t, group, name, how), join(t, group, name, how)
		until(t, "each has two partitions", func() bool {
			a, _ := first.has()
			b, _ := second.has()
			return a == 2 && b == 2
		})
		for partition := int32(0); partition < 4; partition++ {
			fill(t, name, partition, "a", "b", "c")
		}
		until(t, "each gets what is its own", func() bool {
			_, a := first.has()
			_, b := second.has()
			return a == 6 && b == 6
		})
		must(t, second.Close())
		until(t, "the first has them all", func() bool {
			a, _ := first.has()
			return a == 4
		})
		for partition := int32(0); partition < 4; partition++ {
			fill(t, name, partition, "d")
		}
		until(t, "it gets the rest", func() bool {
			_, a := first.has()
			return a >= 10
		})
		_, got := first.has()
		equal(t, got, 10)
		until(t, "it has committed", func() bool {
			told, err := admin(t).ListConsumerGroupOffsets(group,
				map[string][]int32{name: {0, 1, 2, 3}})
			must(t, err)
			for partition := int32(0); partition < 4; partition++ {
				if told.GetBlock(name, partition).Offset != 4 {
					return false
				}
			}
			return true
		})
	}
}

func TestTransactionsCommitWithOffsetsAbortAndFence(t *testing.T) {
	name, group, id := topic(t, 1, nil), fresh("group"), fresh("id")
	c := config()
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	c.Producer.Transaction.ID = id
	p := producer(t, c)
	write := func(p sarama.SyncProducer, value string, offset int64) {
		must(t, p.BeginTxn())
		_, _, err := p.SendMessage(&sarama.ProducerMessage{
			Topic: name, Value: sarama.StringEncoder(value)})
		must(t, err)
		must(t, p.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{
			name: {{Partition: 0, Offset: offset}}}, group))
	}
	committed := func() int64 {
		told, err := admin(t).ListConsumerGroupOffsets(group, map[string][]int32{name: {0}})
		must(t, err)
		return told.GetBlock(name, 0).Offset
	}
	write(p, "kept", 1)
	must(t, p.CommitTxn())
	write(p, "dropped", 2)
	must(t, p.AbortTxn())
	equal(t, committed(), int64(1))
	later := producer(t, c)
	if err := p.BeginTxn(); err == nil {
		_, _, err = p.SendMessage(&sarama.ProducerMessage{
			Topic: name, Value: sarama.StringEncoder("late")})
		if err == nil {
			err = p.CommitTxn()
		}
		if err == nil {
			t.Fatal("a later producer of one id fences the earlier one")
		}
	}
	write(later, "later", 3)
	must(t, later.CommitTxn())
	until(t, "its offset is committed", func() bool { return committed() == 3 })
	strict := config()
	strict.Consumer.IsolationLevel = sarama.ReadCommitted
	read := take(t, name, 2, strict)
	equal(t, string(read[0].Value), "kept")
	equal(t, string(read[1].Value), "later")
	equal(t, string(take(t, name, 3, config())[1].Value), "dropped")
}

func TestTopicsAreCreatedDescribedAlteredGrownAndDeleted(t *testing.T) {
	kept := "123456"
	name := topic(t, 2, map[string]*string{"retention.ms": &kept})
	a := admin(t)
	if err := a.CreateTopic(name, &sarama.TopicDetail{
		NumPartitions: 1, ReplicationFactor: -1}, false); !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		t.Fatal(err)
	}
	retention := func() string {
		told, err := a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource,
			Name: name, ConfigNames: []string{"retention.ms"}})
		must(t, err)
		return told[0].Value
	}
	equal(t, retention(), "123456")
	changed := "654321"
	must(t, a.IncrementalAlterConfig(sarama.TopicResource, name,
		map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {
			Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &changed}}, false))
	until(t, "it is altered", func() bool { return retention() == changed })
	must(t, a.CreatePartitions(name, 3, nil, false))
	until(t, "it has grown", func() bool {
		told, err := a.DescribeTopics([]string{name})
		return err == nil && len(told[0].Partitions) == 3
	})
	fill(t, name, 0, "0", "1", "2", "3", "4")
	must(t, a.DeleteRecords(name, map[int32]int64{0: 3}))
	equal(t, take(t, name, 2, config())[0].Offset, int64(3))
	must(t, a.DeleteTopic(name))
	until(t, "it is gone", func() bool {
		topics, err := a.ListTopics()
		must(t, err)
		_, there := topics[name]
		return !there
	})
}

func TestARecordTooLargeIsRefusedAndTheNextIsNot(t *testing.T) {
	most := "10000"
	name := topic(t, 1, map[string]*string{"max.message.bytes": &most})
	p := producer(t, config())
	_, _, err := p.SendMessage(&sarama.ProducerMessage{
		Topic: name, Value: sarama.StringEncoder(strings.Repeat("x", 20000))})
	if !errors.Is(err, sarama.ErrMessageSizeTooLarge) {
		t.Fatal(err)
	}
	fill(t, name, 0, "small")
	equal(t, string(take(t, name, 1, config())[0].Value), "small")
}
