//! Consumer groups, classic ones and those that the server assigns (KIP-848).
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use crate::support::*;

/// What a member has been told and has read.
#[derive(Default)]
struct Seen {
    owned: Mutex<BTreeSet<i32>>,
    values: Mutex<Vec<String>>,
    assignments: AtomicUsize,
    errors: Mutex<Vec<Code>>, // in place of a record
    faults: Mutex<Vec<Code>>, // of the client
    ends: AtomicBool,
}

struct Watch(Arc<Seen>);

impl ClientContext for Watch {
    fn error(&self, error: KafkaError, _: &str) {
        let code = error.rdkafka_error_code().expect("a code");
        self.0.faults.lock().unwrap().push(code);
    }
}

impl ConsumerContext for Watch {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(gone) = rebalance {
            let mut owned = self.0.owned.lock().unwrap();
            for element in gone.elements() {
                owned.remove(&element.partition());
            }
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(new) = rebalance {
            let mut owned = self.0.owned.lock().unwrap();
            owned.extend(new.elements().iter().map(|e| e.partition()));
            self.0.assignments.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A member of a group that reads in a thread of its own until it leaves.
pub struct Member {
    seen: Arc<Seen>,
    thread: JoinHandle<()>,
}

impl Member {
    pub fn join(group: &str, topic: &str, more: &[(&str, &str)]) -> Member {
        let seen = Arc::new(Seen::default());
        let assigned = more.contains(&("group.protocol", "consumer"));
        let quick: &[_] = if assigned {
            &[] // the server says how often
        } else {
            &[("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "200")]
        };
        let consumer: BaseConsumer<Watch> = config(&[("group.id", group)])
            .set("auto.offset.reset", "earliest")
            .extended(quick)
            .extended(more)
            .create_with_context(Watch(seen.clone()))
            .expect("a consumer");
        consumer.subscribe(&[topic]).expect("it subscribes");
        let told = seen.clone();
        let thread = std::thread::spawn(move || {
            while !told.ends.load(Ordering::SeqCst) {
                match consumer.poll(LOOK) {
                    Some(Ok(record)) => {
                        told.values.lock().unwrap().push(text(&record.detach()));
                    }
                    Some(Err(error)) => {
                        let code = error.rdkafka_error_code().expect("a code");
                        told.errors.lock().unwrap().push(code);
                    }
                    None => (),
                }
            }
        });
        Member { seen, thread }
    }

    pub fn partitions(&self) -> Vec<i32> {
        self.seen.owned.lock().unwrap().iter().copied().collect()
    }

    fn assignments(&self) -> usize {
        self.seen.assignments.load(Ordering::SeqCst)
    }

    fn values(&self) -> Vec<String> {
        self.seen.values.lock().unwrap().clone()
    }

    fn errors(&self) -> Vec<Code> {
        self.seen.errors.lock().unwrap().clone()
    }

    fn is_told(&self, code: Code) -> bool {
        self.seen.faults.lock().unwrap().contains(&code)
    }

    /// Cleanly: what it has read is committed.
    pub fn leave(self) -> Vec<String> {
        self.seen.ends.store(true, Ordering::SeqCst);
        self.thread.join().expect("it reads to its end");
        let values = self.seen.values.lock().unwrap();
        values.clone()
    }
}

/// Two members share four partitions, and the one that is left takes over;
/// nothing is left out.
fn a_group_shares(more: &[(&str, &str)]) {
    let (name, group) = (topic(4, &[]), fresh("g"));
    let sender = producer(&[]);
    let send = |prefix: &str| fill_with(&sender, &name, 4, &values(prefix, 400));
    let first = Member::join(&group, &name, more);
    send("a");
    until("one has all", || first.partitions() == [0, 1, 2, 3] && first.values().len() == 400);
    let second = Member::join(&group, &name, more);
    until("each has half", || {
        let (a, b) = (first.partitions(), second.partitions());
        a.len() == 2 && b.len() == 2 && a.iter().all(|i| !b.contains(i))
    });
    send("b");
    let wanted: BTreeSet<_> = values("a", 400).into_iter().chain(values("b", 400)).collect();
    until("both read", || {
        let found: BTreeSet<_> = first.values().into_iter().chain(second.values()).collect();
        found == wanted && second.values().len() >= 200
    });
    assert_eq!((first.errors(), second.errors()), (vec![], vec![]));
    first.leave();
    until("the other takes over", || second.partitions() == [0, 1, 2, 3]);
    send("c");
    let wanted = values("c", 400);
    until("it reads all", || {
        let found = second.values();
        wanted.iter().all(|value| found.contains(value))
    });
    second.leave();
    let reader = reader(&name, 4, &[("group.id", &group)]);
    let told = reader.committed(PATIENCE).expect("offsets");
    for i in 0..4 {
        assert_eq!(told.find_partition(&name, i).unwrap().offset(), Offset::Offset(300));
    }
}

#[test]
fn a_group_shares_by_ranges() {
    a_group_shares(&[("partition.assignment.strategy", "range")]);
}

#[test]
fn a_group_shares_round_robin() {
    a_group_shares(&[("partition.assignment.strategy", "roundrobin")]);
}

#[test]
fn a_group_shares_cooperatively() {
    a_group_shares(&[("partition.assignment.strategy", "cooperative-sticky")]);
}

#[test]
fn a_group_that_the_server_assigns_shares() {
    a_group_shares(&[("group.protocol", "consumer")]);
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let (name, group) = (topic(2, &[]), fresh("g"));
    let join = |id: &str| {
        let more = [("group.instance.id", id), ("session.timeout.ms", "60000")];
        Member::join(&group, &name, &more)
    };
    let (one, two) = (join("one"), join("two"));
    until("both share", || one.partitions().len() == 1 && two.partitions().len() == 1);
    let (had, before) = (one.partitions(), two.assignments());
    one.leave(); // which a static member does not tell
    let again = join("one");
    until("it has what it had", || again.partitions() == had);
    fill(&name, 2, &values("v", 2));
    until("both read", || again.values().len() == 1 && two.values().len() == 1);
    assert_eq!(two.assignments(), before);
}

#[test]
fn a_second_member_with_one_instance_id_fences_the_first() {
    let (name, group) = (topic(1, &[]), fresh("g"));
    let more = [("group.instance.id", "same")];
    let first = Member::join(&group, &name, &more);
    until("it has joined", || first.partitions() == [0]);
    let second = Member::join(&group, &name, &more);
    until("the second has it", || second.partitions() == [0]);
    until("the first is fenced", || first.is_told(Code::FencedInstanceId));
}

#[test]
fn offsets_are_committed_with_metadata_and_read_back() {
    let (name, group) = (topic(2, &[]), fresh("g"));
    fill(&name, 2, &values("v", 20));
    let client = reader(&name, 2, &[("group.id", &group)]);
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&name, 0, Offset::Offset(4)).unwrap();
    offsets.find_partition(&name, 0).unwrap().set_metadata("noted");
    client.commit(&offsets, CommitMode::Sync).expect("it is committed");
    let told = client.committed(PATIENCE).expect("offsets");
    let at = told.find_partition(&name, 0).unwrap();
    assert_eq!((at.offset(), at.metadata()), (Offset::Offset(4), "noted"));
    assert_eq!(told.find_partition(&name, 1).unwrap().offset(), Offset::Invalid);

    // A member of it begins there, and where nothing is committed, at 0.
    let member = Member::join(&group, &name, &[]);
    until("it reads the rest", || member.values().len() == 16);
    let mut wanted = values("v", 20);
    wanted.retain(|v| ["v0", "v2", "v4", "v6"].iter().all(|early| v != early));
    let mut found = member.leave();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}
