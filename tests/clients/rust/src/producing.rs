//! Producers.
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, Headers, OwnedHeaders, Timestamp};
use rdkafka::producer::FutureRecord;
use rdkafka::Message;

use crate::support::*;

#[test]
fn each_codec_brings_back_keys_headers_times_and_nulls() {
    const COUNT: usize = 300;
    let began = now();
    let (keys, texts) = (values("k", COUNT), values(&"text ".repeat(20), COUNT));
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        for idempotent in ["false", "true"] {
            let name = topic(1, &[]);
            let sender = producer(&[
                ("compression.type", codec),
                ("enable.idempotence", idempotent),
                ("max.in.flight", if idempotent == "true" { "5" } else { "1" }),
            ]);
            let record = |i: usize| {
                let header = Header { key: "h", value: Some(&keys[i]) };
                let empty = Header { key: "null", value: None::<&String> };
                let headers = OwnedHeaders::new().insert(header).insert(empty);
                let record = FutureRecord::to(&name)
                    .partition(0)
                    .key(keys[i].as_str())
                    .timestamp(began + i as i64)
                    .headers(headers);
                if i % 3 == 0 { record } else { record.payload(texts[i].as_str()) }
            };
            send(&sender, (0..COUNT).map(record).collect());
            let reader = reader(&name, 1, &[("check.crcs", "true")]);
            let mut next = 0;
            until("all come back", || {
                for record in take(&reader, 1) {
                    let key = record.key().expect("a key");
                    let i = keys.iter().position(|k| k.as_bytes() == key).expect("a known key");
                    // One that is not idempotent may write again what is there.
                    assert!(i == next || idempotent == "false" && i < next, "{i}, not {next}");
                    let payload = (i % 3 != 0).then(|| texts[i].as_bytes());
                    assert_eq!(record.payload(), payload);
                    let headers = record.headers().expect("headers");
                    assert_eq!(headers.count(), 2);
                    assert_eq!(headers.get(0).value, Some(keys[i].as_bytes()));
                    assert_eq!((headers.get(1).key, headers.get(1).value), ("null", None));
                    assert_eq!(record.timestamp(), Timestamp::CreateTime(began + i as i64));
                    next = next.max(i + 1);
                }
                next == COUNT
            });
        }
    }
}

#[test]
fn an_idempotent_producer_keeps_the_order() {
    let name = topic(3, &[]);
    let sender = producer(&[
        ("enable.idempotence", "true"),
        ("linger.ms", "0"),
        ("batch.num.messages", "100"),
    ]);
    fill_with(&sender, &name, 3, &values("", 30_000));
    let reader = reader(&name, 3, &[]);
    let mut next = [0, 1, 2];
    for record in take(&reader, 30_000) {
        let at = record.partition() as usize;
        assert_eq!(text(&record), next[at].to_string());
        assert_eq!(record.offset(), next[at] / 3);
        next[at] += 3;
    }
}

#[test]
fn each_level_of_acknowledgement_stores() {
    let name = topic(1, &[]);
    for acks in ["0", "1", "all"] {
        fill_with(&producer(&[("acks", acks)]), &name, 1, &values(acks, 100));
    }
    let mut found = texts(&take(&reader(&name, 1, &[]), 300));
    let mut wanted: Vec<_> = ["0", "1", "all"].iter().flat_map(|a| values(a, 100)).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn a_record_too_large_is_refused_and_the_next_is_not() {
    let name = topic(1, &[("max.message.bytes", "10000")]);
    let sender = producer(&[("message.max.bytes", "2000000")]);
    let large = "x".repeat(20_000);
    let mut told = try_send(&sender, vec![FutureRecord::to(&name).payload(large.as_str())]);
    let error = told.remove(0).expect_err("it is refused");
    assert_eq!(error, KafkaError::MessageProduction(Code::MessageSizeTooLarge));
    fill_with(&sender, &name, 1, &values("next", 1));
    assert_eq!(all(&name, 1, "read_committed"), ["next0"]);
}

#[test]
fn ten_megabytes_in_one_record_come_back() {
    let name = topic(1, &[("max.message.bytes", "20000000")]);
    let sender = producer(&[("message.max.bytes", "20000000")]);
    let large: String = (0..2_000_000).map(|i| format!("{:05}", i % 100_000)).collect();
    send(&sender, vec![FutureRecord::to(&name).payload(large.as_str())]);
    let reader = reader(&name, 1, &[]);
    assert!(text(&take(&reader, 1)[0]) == large, "what came is what was sent");
}

#[test]
fn what_is_not_there_takes_nothing() {
    let name = topic(2, &[]);
    let sender = producer(&[]);
    let mut told = try_send(&sender, vec![FutureRecord::to(&name).partition(7).payload("x")]);
    assert_eq!(
        told.remove(0).expect_err("it is refused"),
        KafkaError::MessageProduction(Code::UnknownPartition)
    );
    let sender = producer(&[("allow.auto.create.topics", "false"), ("message.timeout.ms", "10000"),
        ("topic.metadata.propagation.max.ms", "100")]);
    let missing = fresh("missing");
    let mut told = try_send(&sender, vec![FutureRecord::to(&missing).payload("x")]);
    assert_eq!(
        told.remove(0).expect_err("it is refused"),
        KafkaError::MessageProduction(Code::UnknownTopicOrPartition)
    );
}

#[test]
fn log_append_time_is_the_servers() {
    let name = topic(1, &[("message.timestamp.type", "LogAppendTime")]);
    let began = now();
    let old = FutureRecord::to(&name).payload("x").timestamp(1_000_000);
    send(&producer(&[("compression.type", "lz4")]), vec![old]);
    match take(&reader(&name, 1, &[]), 1)[0].timestamp() {
        Timestamp::LogAppendTime(at) => assert!(at >= began && at <= now(), "{at}"),
        other => panic!("{other:?}"),
    }
}
