//! Exactly once (KIP-98, KIP-447).
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::support::*;

fn transactional(id: &str, more: &[(&str, &str)]) -> FutureProducer {
    // Records may not outlast the transaction that they are in.
    let own = [("transactional.id", id), ("message.timeout.ms", "60000")];
    let made = producer(&[&own, more].concat());
    made.init_transactions(PATIENCE).expect("it is registered");
    made
}

fn code(error: KafkaError) -> Code {
    match error {
        KafkaError::Transaction(error) => error.code(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_transaction_is_seen_when_it_is_committed_and_whole() {
    let name = topic(3, &[]);
    let writer = transactional(&fresh("x"), &[]);
    writer.begin_transaction().unwrap();
    fill_with(&writer, &name, 3, &values("kept", 300));
    assert_eq!(all(&name, 3, "read_uncommitted").len(), 300);
    assert_eq!(all(&name, 3, "read_committed").len(), 0);
    writer.commit_transaction(PATIENCE).expect("it is committed");
    writer.begin_transaction().unwrap();
    fill_with(&writer, &name, 3, &values("dropped", 30));
    writer.abort_transaction(PATIENCE).expect("it is aborted");
    writer.begin_transaction().unwrap();
    fill_with(&writer, &name, 3, &values("last", 3));
    writer.commit_transaction(PATIENCE).expect("it is committed");
    let mut found = texts(&take(&reader(&name, 3, &[]), 303));
    let mut wanted = [values("kept", 300), values("last", 3)].concat();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(all(&name, 3, "read_uncommitted").len(), 333);
}

#[test]
fn offsets_are_committed_with_what_was_made_of_them() {
    let (source, target, group) = (topic(1, &[]), topic(1, &[]), fresh("g"));
    fill(&source, 1, &values("v", 50));
    let writer = transactional(&fresh("x"), &[]);
    for commits in [false, true] {
        let reader: BaseConsumer = config(&[("group.id", &group), ("enable.auto.commit", "false")])
            .set("auto.offset.reset", "earliest")
            .create()
            .expect("a consumer");
        reader.subscribe(&[&source]).unwrap();
        let taken = texts(&take(&reader, 50));
        assert_eq!(taken, values("v", 50));
        writer.begin_transaction().unwrap();
        fill_with(&writer, &target, 1, &taken);
        let mut at = TopicPartitionList::new();
        at.add_partition_offset(&source, 0, Offset::Offset(50)).unwrap();
        let member = reader.group_metadata().expect("it is a member");
        writer.send_offsets_to_transaction(&at, &member, PATIENCE).expect("they are taken");
        if commits {
            writer.commit_transaction(PATIENCE).expect("it is committed");
        } else {
            writer.abort_transaction(PATIENCE).expect("it is aborted");
        }
        let told = reader.committed(PATIENCE).expect("offsets");
        let wanted = if commits { Offset::Offset(50) } else { Offset::Invalid };
        assert_eq!(told.find_partition(&source, 0).unwrap().offset(), wanted);
    }
    assert_eq!(all(&target, 1, "read_committed"), values("v", 50));
}

#[test]
fn offsets_of_a_stranger_abort_the_transaction() {
    let (source, target, group) = (topic(1, &[]), topic(1, &[]), fresh("g"));
    fill(&source, 1, &values("v", 1));
    let join = || {
        let made: BaseConsumer = config(&[("group.id", group.as_str())])
            .set("session.timeout.ms", "6000")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .create()
            .expect("a consumer");
        made.subscribe(&[&source]).unwrap();
        take(&made, 1);
        made
    };
    let left = join();
    let member = left.group_metadata().expect("it is a member");
    left.unsubscribe();
    drop(left);
    let stays = join(); // another generation, without the one that left
    let writer = transactional(&fresh("x"), &[]);
    writer.begin_transaction().unwrap();
    fill_with(&writer, &target, 1, &values("never", 1));
    let mut at = TopicPartitionList::new();
    at.add_partition_offset(&source, 0, Offset::Offset(1)).unwrap();
    let error = writer.send_offsets_to_transaction(&at, &member, PATIENCE);
    match error.expect_err("it is refused") {
        KafkaError::Transaction(error) => {
            assert!(error.txn_requires_abort(), "{error}");
        }
        other => panic!("{other}"),
    }
    writer.abort_transaction(PATIENCE).expect("it is aborted");
    let told = stays.committed(PATIENCE).expect("offsets");
    assert_eq!(told.find_partition(&source, 0).unwrap().offset(), Offset::Invalid);
    assert_eq!(all(&target, 1, "read_committed").len(), 0);
}

#[test]
fn who_comes_later_fences_who_was_there() {
    let (name, id) = (topic(1, &[]), fresh("x"));
    let old = transactional(&id, &[]);
    old.begin_transaction().unwrap();
    fill_with(&old, &name, 1, &values("old", 1));
    let new = transactional(&id, &[]);
    new.begin_transaction().unwrap();
    fill_with(&new, &name, 1, &values("new", 1));
    new.commit_transaction(PATIENCE).expect("it is committed");
    let fenced = old.commit_transaction(PATIENCE).expect_err("it is fenced");
    assert_eq!(code(fenced), Code::Fenced);
    assert_eq!(all(&name, 1, "read_committed"), ["new0"]);
}

#[test]
fn a_transaction_that_nobody_ends_is_aborted() {
    let name = topic(1, &[]);
    let left = transactional(
        &fresh("x"),
        &[("transaction.timeout.ms", "5000"), ("message.timeout.ms", "5000")],
    );
    left.begin_transaction().unwrap();
    fill_with(&left, &name, 1, &values("never", 1));
    // Of another producer, which cannot be read before the first is over.
    let other = transactional(&fresh("x"), &[]);
    other.begin_transaction().unwrap();
    fill_with(&other, &name, 1, &values("seen", 1));
    other.commit_transaction(PATIENCE).expect("it is committed");
    assert_eq!(texts(&take(&reader(&name, 1, &[]), 1)), ["seen0"]);
    left.commit_transaction(PATIENCE).expect_err("it is over");
}

#[test]
fn fifty_transactions_in_a_row() {
    let name = topic(2, &[]);
    let writer = transactional(&fresh("x"), &[("compression.type", "lz4")]);
    let mut kept = Vec::new();
    for i in 0..50 {
        writer.begin_transaction().unwrap();
        let made = values(&format!("{i}."), 4);
        fill_with(&writer, &name, 2, &made);
        if i % 3 == 0 {
            writer.abort_transaction(PATIENCE).expect("it is aborted");
        } else {
            writer.commit_transaction(PATIENCE).expect("it is committed");
            kept.extend(made);
        }
    }
    let mut found = all(&name, 2, "read_committed");
    found.sort();
    kept.sort();
    assert_eq!(found, kept);
}

#[test]
fn a_flawed_transaction_can_only_be_aborted() {
    let name = topic(1, &[("max.message.bytes", "10000")]);
    let writer = transactional(&fresh("x"), &[("message.max.bytes", "2000000")]);
    writer.begin_transaction().unwrap();
    let large = "x".repeat(20_000);
    // librdkafka counts the sequence of what was refused, although the epoch
    // stays: the next record leaves a gap, which is refused too (as Kafka
    // does), and the end of that transaction begins a new epoch.
    for flawed in [large.as_str(), "after it"] {
        let told = try_send(&writer, vec![FutureRecord::to(&name).payload(flawed)]);
        assert!(told[0].is_err(), "it is refused");
        match writer.commit_transaction(Duration::from_secs(60)).expect_err("it cannot be") {
            KafkaError::Transaction(error) => assert!(error.txn_requires_abort(), "{error}"),
            other => panic!("{other}"),
        }
        writer.abort_transaction(PATIENCE).expect("it is aborted");
        writer.begin_transaction().unwrap();
    }
    fill_with(&writer, &name, 1, &values("good", 1));
    writer.commit_transaction(PATIENCE).expect("it is committed");
    let found = take(&reader(&name, 1, &[]), 1);
    assert_eq!((texts(&found), found[0].partition()), (values("good", 1), 0));
}
