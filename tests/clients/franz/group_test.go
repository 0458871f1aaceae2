package franz

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// beMember polls until it is killed; the topic is named like the group.
func beMember(name string) {
	cl, err := kgo.NewClient(append(quickly(name, name), kgo.SeedBrokers(server))...)
	if err != nil {
		panic(err)
	}
	for {
		cl.PollFetches(context.Background())
	}
}

func quickly(group, topic string) []kgo.Opt {
	return []kgo.Opt{kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(200 * time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
}

// member is one of a group; a goroutine of its own polls it.
type member struct {
	*kgo.Client
	stop func()
	mu   sync.Mutex
	own  map[int32]bool
	seen map[string]bool
	gone int // partitions that were taken from it
}

func (m *member) share() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.own)
}

func (m *member) owned() []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []int32
	for p := range m.own {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

func join(t *testing.T, group, topic string, options ...kgo.Opt) *member {
	t.Helper()
	m := &member{own: map[int32]bool{}, seen: map[string]bool{}}
	lose := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, p := range lost[topic] {
			delete(m.own, p)
			m.gone++
		}
	}
	all := append(quickly(group, topic), kgo.OnPartitionsRevoked(lose), kgo.OnPartitionsLost(lose),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, p := range got[topic] {
				m.own[p] = true
			}
		}))
	m.Client = client(t, append(all, options...)...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			m.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				m.mu.Lock()
				m.seen[string(r.Value)] = true
				m.mu.Unlock()
			})
		}
	}()
	m.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		m.Close() // leaves the group, unless it is a static member
	})
	t.Cleanup(m.stop)
	return m
}

func shares(t *testing.T, want []int, members ...*member) {
	t.Helper()
	until(t, "shares", func() bool {
		var got []int
		for _, m := range members {
			got = append(got, m.share())
		}
		slices.Sort(got)
		return slices.Equal(want, got)
	})
}

func TestAGroupSharesAndSharesAgain(t *testing.T) {
	t.Parallel()
	for name, balancer := range map[string]kgo.GroupBalancer{
		"range": kgo.RangeBalancer(), "by turns": kgo.RoundRobinBalancer(),
		"stickily": kgo.StickyBalancer(), "cooperatively": kgo.CooperativeStickyBalancer()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := topic(t, 6)
			a := join(t, topic, topic, kgo.Balancers(balancer))
			b := join(t, topic, topic, kgo.Balancers(balancer))
			c := join(t, topic, topic, kgo.Balancers(balancer))
			shares(t, []int{2, 2, 2}, a, b, c)
			a.stop()
			shares(t, []int{3, 3}, b, c)
			d := join(t, topic, topic, kgo.Balancers(balancer))
			shares(t, []int{2, 2, 2}, b, c, d)
			all := slices.Concat(b.owned(), c.owned(), d.owned())
			slices.Sort(all)
			equal(t, "partitions owned", true, slices.Equal(all, []int32{0, 1, 2, 3, 4, 5}))
			for p := int32(0); p < 6; p++ {
				fill(t, topic, p, 50)
			}
			until(t, "records", func() bool {
				seen := map[string]bool{}
				for _, m := range []*member{b, c, d} {
					m.mu.Lock()
					for value := range m.seen {
						seen[value] = true
					}
					m.mu.Unlock()
				}
				return len(seen) == 50
			})
		})
	}
}

func TestAMemberThatIsKilledIsReplaced(t *testing.T) {
	t.Parallel()
	topic := topic(t, 4)
	a := join(t, topic, topic)
	shares(t, []int{4}, a)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), memberOf+"="+topic)
	ok(t, child.Start())
	defer func() {
		_ = child.Process.Kill() // it may have been killed below
		_ = child.Wait()
	}()
	shares(t, []int{2}, a)
	began := time.Now()
	ok(t, child.Process.Kill())
	shares(t, []int{4}, a)
	// It said no goodbye: only its session's end could tell.
	equal(t, "it was missed at once", false, time.Since(began) < 2*time.Second)
	fill(t, topic, 3, 20)
	until(t, "records", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.seen) == 20
	})
}

func TestACooperativeMemberKeepsWhatItNeedNotGive(t *testing.T) {
	t.Parallel()
	topic := topic(t, 6)
	a := join(t, topic, topic)
	shares(t, []int{6}, a)
	b := join(t, topic, topic)
	shares(t, []int{3, 3}, a, b)
	equal(t, "partitions taken", 3, a.gone)
}

func TestAStaticMemberComesBackWithoutARebalance(t *testing.T) {
	t.Parallel()
	topic := topic(t, 4)
	patient := kgo.SessionTimeout(40 * time.Second)
	a := join(t, topic, topic, patient, kgo.InstanceID("a"))
	shares(t, []int{4}, a)
	b := join(t, topic, topic, patient, kgo.InstanceID("b"))
	shares(t, []int{2, 2}, a, b)
	_, before := b.GroupMetadata()
	held := a.owned()
	a.stop()
	again := join(t, topic, topic, patient, kgo.InstanceID("a"))
	until(t, "partitions again", func() bool { return slices.Equal(held, again.owned()) })
	_, after := b.GroupMetadata()
	equal(t, "generation", before, after)
	again.stop()
	// Told to go, it goes at once.
	_, err := admin(t).LeaveGroup(within(t), kadm.LeaveGroup(topic).InstanceIDs("a"))
	ok(t, err)
	shares(t, []int{4}, b)
}

func TestCommitsAreReadBack(t *testing.T) {
	t.Parallel()
	topic := topic(t, 2)
	fill(t, topic, 0, 20)
	options := append(quickly(topic, topic), kgo.DisableAutoCommit())
	cl := client(t, options...)
	records := take(t, cl, 20)
	ok(t, cl.CommitRecords(within(t), records[6]))
	cl.Close()
	equal(t, "where it goes on", "7", string(take(t, client(t, options...), 13)[0].Value))
	offsets, err := admin(t).FetchOffsets(within(t), topic)
	ok(t, err)
	got, _ := offsets.Lookup(topic, 0)
	equal(t, "offset", 7, got.At)
	_, there := offsets.Lookup(topic, 1)
	equal(t, "an offset that nobody committed", false, there)
}

func TestAReaderIsNotDisturbedByMembersThatComeAndGo(t *testing.T) {
	t.Parallel()
	topic := topic(t, 4)
	a := join(t, topic, topic)
	shares(t, []int{4}, a)
	var produced atomic.Int32
	stop := make(chan struct{})
	done := make(chan struct{})
	cl := client(t)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				value := strconv.Itoa(int(produced.Load()))
				if cl.ProduceSync(context.Background(),
					&kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr() == nil {
					produced.Add(1)
				}
			}
		}
	}()
	others := map[string]bool{}
	for round := 0; round < 3; round++ {
		b := join(t, topic, topic)
		shares(t, []int{2, 2}, a, b)
		b.stop()
		shares(t, []int{4}, a)
		for value := range b.seen {
			others[value] = true
		}
	}
	close(stop)
	<-done
	equal(t, "records enough for a test", true, produced.Load() > 100)
	until(t, "records read by somebody", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		for i := int32(0); i < produced.Load(); i++ {
			value := strconv.Itoa(int(i))
			if !a.seen[value] && !others[value] {
				return false
			}
		}
		return true
	})
}
