package franz

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	million          = 1_000_000
	millionPartition = 4
)

// Record i goes to partition i mod 4, so partition p has p, p + 4, p + 8, ...
func TestAMillionRecordsCheckedOneByOne(t *testing.T) {
	run := func(name string) {
		t.Run(name, func(t *testing.T) {
			topic := topic(t, millionPartition)
			began := time.Now()
			produceMillion(t, topic, codecs[name])
			produced := time.Now()
			readMillion(t, topic)
			t.Logf("%d records of %s: produced in %.1f s, read in %.1f s", million, name,
				produced.Sub(began).Seconds(), time.Since(produced).Seconds())
		})
	}
	if !long {
		run("none")
		return
	}
	for name := range codecs {
		run(name)
	}
}

func produceMillion(t *testing.T, topic string, codec kgo.CompressionCodec) {
	cl := client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5*time.Millisecond))
	var acknowledged, wrong atomic.Int64
	for i := 0; i < million; i++ {
		at := int64(i / millionPartition)
		cl.Produce(context.Background(), &kgo.Record{Topic: topic,
			Partition: int32(i % millionPartition), Value: strconv.AppendInt(nil, int64(i), 10)},
			func(record *kgo.Record, err error) {
				if err != nil || record.Offset != at {
					wrong.Add(1)
				}
				acknowledged.Add(1)
			})
	}
	ok(t, cl.Flush(within(t)))
	equal(t, "records acknowledged", int64(million), acknowledged.Load())
	equal(t, "failed or at another offset", int64(0), wrong.Load())
}

func readMillion(t *testing.T, topic string) {
	cl := client(t, reading(topic, 0, 1, 2, 3))
	var next [millionPartition]int64
	ctx := within(t)
	for total := 0; total < million; {
		fetches := cl.PollFetches(ctx)
		ok(t, fetches.Err0())
		fetches.EachRecord(func(record *kgo.Record) {
			p := int64(record.Partition)
			equal(t, "offset", next[p], record.Offset)
			value, err := strconv.ParseInt(string(record.Value), 10, 64)
			ok(t, err)
			equal(t, "value", next[p]*millionPartition+p, value)
			next[p]++
			total++
		})
	}
	for p, count := range next {
		equal(t, "records of partition "+strconv.Itoa(p), int64(million/millionPartition), count)
	}
}
