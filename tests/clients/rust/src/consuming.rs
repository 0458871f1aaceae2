//! Consumers by themselves.
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::FutureRecord;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::support::*;

fn at(name: &str, offset: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(name, 0, offset).expect("an offset");
    list
}

#[test]
fn offsets_are_found_by_time_and_at_both_ends() {
    let (name, began, texts) = (topic(1, &[]), now() - 1_000_000, values("v", 50));
    let record = |(i, value): (usize, &'_ String)| (began + 100 * i as i64, value.clone());
    let timed: Vec<_> = texts.iter().enumerate().map(record).collect();
    let records = timed.iter().map(|(time, value)| {
        FutureRecord::to(&name).partition(0).timestamp(*time).payload(value.as_str())
    });
    send(&producer(&[]), records.collect());
    let reader = reader(&name, 1, &[]);
    assert_eq!(reader.fetch_watermarks(&name, 0, PATIENCE).unwrap(), (0, 50));
    let cases = [
        (0, Offset::Offset(0)),
        (began, Offset::Offset(0)),
        (began + 1, Offset::Offset(1)),
        (began + 4900, Offset::Offset(49)),
        (began + 4901, Offset::End),
    ];
    for (time, wanted) in cases {
        let found = reader.offsets_for_times(at(&name, Offset::Offset(time)), PATIENCE);
        let found = found.expect("an answer");
        let found = found.find_partition(&name, 0).unwrap();
        assert_eq!((found.offset(), found.error()), (wanted, Ok(())));
    }
}

#[test]
fn every_offset_is_found_and_a_pause_holds_records_back() {
    let name = topic(1, &[]);
    let codec = producer(&[("compression.type", "zstd")]);
    fill_with(&codec, &name, 1, &values("", 500));
    let reader = reader(&name, 1, &[]);
    take(&reader, 1);
    for offset in [499, 0, 250, 13, 499, 498] {
        reader.seek(&name, 0, Offset::Offset(offset), PATIENCE).expect("it is there");
        assert_eq!(take(&reader, 1)[0].offset(), offset);
    }
    reader.seek(&name, 0, Offset::OffsetTail(3), PATIENCE).expect("from the end");
    assert_eq!(texts(&take(&reader, 3)), ["497", "498", "499"]);

    let partitions = reader.assignment().unwrap();
    reader.pause(&partitions).unwrap();
    fill(&name, 1, &values("late", 1));
    assert!(reader.poll(LOOK).is_none(), "nothing comes from what is paused");
    reader.resume(&partitions).unwrap();
    assert_eq!(texts(&take(&reader, 1)), ["late0"]);
    let position = reader.position().unwrap();
    assert_eq!(position.find_partition(&name, 0).unwrap().offset(), Offset::Offset(501));
}

#[test]
fn the_end_of_a_partition_is_told_and_what_comes_later_is_read() {
    let name = topic(1, &[]);
    let reader = reader(&name, 1, &[("enable.partition.eof", "true")]);
    for round in ["a", "b"] {
        until("the end is told", || match reader.poll(LOOK) {
            Some(Err(KafkaError::PartitionEOF(0))) => true,
            None => false,
            Some(other) => panic!("{other:?}"),
        });
        fill(&name, 1, &values(round, 1));
        assert_eq!(texts(&take(&reader, 1)), [format!("{round}0")]);
    }
}

#[test]
fn an_offset_beyond_the_end_is_told_or_reset() {
    let name = topic(1, &[]);
    fill(&name, 1, &values("v", 3));
    let strict = reader(&name, 1, &[("auto.offset.reset", "error")]);
    strict.assign(&at(&name, Offset::Offset(100))).unwrap();
    until("it is told", || match strict.poll(LOOK) {
        Some(Err(KafkaError::MessageConsumption(code))) => {
            assert_eq!(code, Code::AutoOffsetReset);
            true
        }
        None => false,
        Some(other) => panic!("{other:?}"),
    });
    let lenient = reader(&name, 1, &[("auto.offset.reset", "earliest")]);
    lenient.assign(&at(&name, Offset::Offset(100))).unwrap();
    assert_eq!(texts(&take(&lenient, 3)), values("v", 3));
}
