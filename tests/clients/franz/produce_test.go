package franz

import (
	"bytes"
	"math/rand"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// inOrder checks that partition 0 holds 0 to count - 1, each at its offset.
func inOrder(t *testing.T, topic string, count int) {
	t.Helper()
	for i, record := range take(t, client(t, reading(topic, 0)), count) {
		equal(t, "offset", int64(i), record.Offset)
		equal(t, "value", strconv.Itoa(i), string(record.Value))
	}
}

func TestEachCodecComesBack(t *testing.T) {
	t.Parallel()
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := topic(t, 1)
			cl := client(t, kgo.ProducerBatchCompression(codec),
				kgo.ProducerLinger(20*time.Millisecond))
			ok(t, cl.ProduceSync(within(t), numbered(topic, 0, 0, 3000)...).FirstErr())
			inOrder(t, topic, 3000)
		})
	}
}

func TestEachLevelOfAcknowledgementStores(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1)
	for _, acks := range []kgo.Acks{kgo.NoAck(), kgo.LeaderAck(), kgo.AllISRAcks()} {
		cl := client(t, kgo.RequiredAcks(acks), kgo.DisableIdempotentWrite())
		ok(t, cl.ProduceSync(within(t), numbered(topic, 0, 0, 10)...).FirstErr())
	}
	take(t, client(t, reading(topic, 0)), 30)
}

func TestSmallIdempotentBatchesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1)
	cl := client(t, kgo.ProducerBatchMaxBytes(1000), kgo.ProducerLinger(0))
	for i, result := range cl.ProduceSync(within(t), numbered(topic, 0, 0, 20_000)...) {
		ok(t, result.Err)
		equal(t, "the offset of an acknowledgement", int64(i), result.Record.Offset)
	}
	inOrder(t, topic, 20_000)
}

func TestHeadersAndNullsComeBack(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1, "retention.ms", "-1")
	when := time.UnixMilli(1234567890123)
	ok(t, client(t).ProduceSync(within(t),
		&kgo.Record{Topic: topic, Timestamp: when, Headers: []kgo.RecordHeader{
			{Key: "a", Value: []byte{1, 0}}, {Key: "a"}, {Value: []byte{}}}},
		&kgo.Record{Topic: topic, Key: []byte{}, Value: []byte{255, 0}}).FirstErr())
	records := take(t, client(t, reading(topic, 0)), 2)
	first, second := records[0], records[1]
	equal(t, "a null key", true, first.Key == nil)
	equal(t, "a null value", true, first.Value == nil)
	equal(t, "time", when.UnixMilli(), first.Timestamp.UnixMilli())
	equal(t, "headers", 3, len(first.Headers))
	equal(t, "a header", "a", first.Headers[1].Key)
	equal(t, "a null header", true, first.Headers[1].Value == nil)
	equal(t, "an empty header", true, first.Headers[2].Value != nil)
	equal(t, "an empty key", true, second.Key != nil && len(second.Key) == 0)
	equal(t, "bytes", "\xff\x00", string(second.Value))
}

func TestARecordOfTenMegabytesComesBack(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1, "max.message.bytes", "11000000")
	value := make([]byte, 10_000_000)
	rand.New(rand.NewSource(7)).Read(value)
	cl := client(t, kgo.ProducerBatchMaxBytes(11_000_000))
	ok(t, cl.ProduceSync(within(t), &kgo.Record{Topic: topic, Value: value}).FirstErr())
	// Above the fetch's limits it is given alone (KIP-74).
	got := take(t, client(t, reading(topic, 0), kgo.FetchMaxBytes(2000),
		kgo.FetchMaxPartitionBytes(1000)), 1)
	equal(t, "ten megabytes", true, bytes.Equal(value, got[0].Value))
}

func TestARecordTooLargeForTheTopicIsRefused(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1, "max.message.bytes", "10000")
	cl := client(t, kgo.ProducerBatchCompression(kgo.NoCompression()))
	big := &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("x"), 20_000)}
	refused(t, kerr.MessageTooLarge, cl.ProduceSync(within(t), big).FirstErr())
	ok(t, cl.ProduceSync(within(t), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr())
}

func TestAnErrorWithoutAcknowledgementClosesTheConnection(t *testing.T) {
	t.Parallel()
	topic := topic(t, 1, "max.message.bytes", "10000")
	closed := &disconnects{}
	cl := client(t, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite(),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.WithHooks(closed))
	big := &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("x"), 20_000)}
	ok(t, cl.ProduceSync(within(t), big).FirstErr())
	until(t, "disconnects", func() bool { return closed.count.Load() > 0 })
	reader := client(t, reading(topic, 0))
	ok(t, cl.ProduceSync(within(t), numbered(topic, 0, 0, 1)...).FirstErr())
	equal(t, "what came after", "0", string(take(t, reader, 1)[0].Value))
}
