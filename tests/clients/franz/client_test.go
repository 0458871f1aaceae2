// Package franz tests the server at $BOOTSTRAP with franz-go.
package franz

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	server = os.Getenv("BOOTSTRAP")
	long   = os.Getenv("MILLRACE_LONG") == "1"
)

// memberOf in the environment makes this program a member of that group,
// reading the topic of that name, until it is killed.
const memberOf = "FRANZ_MEMBER_OF"

func TestMain(m *testing.M) {
	if name := os.Getenv(memberOf); name != "" {
		beMember(name)
	}
	os.Exit(m.Run())
}

// within bounds every wait of a test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func fresh(prefix string) string {
	var bytes [6]byte
	_, _ = rand.Read(bytes[:]) // never fails
	return prefix + "-" + hex.EncodeToString(bytes[:])
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, want, got T) {
	t.Helper()
	if want != got {
		t.Fatalf("%s: expected <%v>, got <%v>", what, want, got)
	}
}

func refused(t *testing.T, want, got error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("expected %v, got %v", want, got)
	}
}

func client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(server)}, options...)...)
	ok(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func admin(t *testing.T) *kadm.Client {
	return kadm.NewClient(client(t))
}

// topic makes one; configs are names and values in turn.
func topic(t *testing.T, partitions int32, configs ...string) string {
	t.Helper()
	name := fresh("franz")
	set := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		set[configs[i]] = &configs[i+1]
	}
	_, err := admin(t).CreateTopic(within(t), partitions, 1, set, name)
	ok(t, err)
	return name
}

// reading fetches these partitions of a topic from its beginning.
func reading(topic string, partitions ...int32) kgo.Opt {
	from := map[int32]kgo.Offset{}
	for _, p := range partitions {
		from[p] = kgo.NewOffset().AtStart()
	}
	return kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
}

func numbered(topic string, partition int32, from, to int) []*kgo.Record {
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, &kgo.Record{
			Topic: topic, Partition: partition, Value: []byte(strconv.Itoa(i))})
	}
	return records
}

// fill produces 0, 1, ... to one partition.
func fill(t *testing.T, topic string, partition int32, count int) {
	t.Helper()
	cl := client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ok(t, cl.ProduceSync(within(t), numbered(topic, partition, 0, count)...).FirstErr())
}

// take reads exactly this many records.
func take(t *testing.T, from *kgo.Client, count int) []*kgo.Record {
	t.Helper()
	var records []*kgo.Record
	for len(records) < count {
		fetches := from.PollFetches(within(t))
		ok(t, fetches.Err0())
		fetches.EachError(func(topic string, p int32, err error) {
			t.Fatalf("%s-%d: %v", topic, p, err)
		})
		records = append(records, fetches.Records()...)
	}
	equal(t, "records", count, len(records))
	return records
}

// until waits for a condition; what it calls may wait a little itself.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx := within(t)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatal("in time there were no " + what)
		case <-tick.C:
		}
	}
}

// ask sends one request of the protocol to the node.
func ask[R kmsg.Response](t *testing.T, cl *kgo.Client, request kmsg.Request) R {
	t.Helper()
	response, err := cl.Request(within(t), request)
	ok(t, err)
	return response.(R)
}
