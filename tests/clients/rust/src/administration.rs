//! The admin client.
use rdkafka::admin::{AlterConfig, ConfigSource, NewPartitions, ResourceSpecifier};
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::producer::Producer;
use rdkafka::{Offset, TopicPartitionList};

use crate::groups::Member;
use crate::support::*;

fn described(name: &str, key: &str) -> (Option<String>, ConfigSource) {
    let asked = [ResourceSpecifier::Topic(name)];
    let told = run(admin().describe_configs(&asked, &options())).expect("an answer");
    let mut entries = told.into_iter().next().unwrap().expect("it is there").entries;
    let at = entries.iter().position(|e| e.name == key).expect("the key is known");
    let entry = entries.swap_remove(at);
    (entry.value, entry.source)
}

fn partitions(name: &str) -> Option<usize> {
    let client = admin();
    let told = client.inner().fetch_metadata(None, PATIENCE).expect("metadata");
    told.topics().iter().find(|t| t.name() == name).map(|t| t.partitions().len())
}

fn delete(name: &str) -> Result<String, Code> {
    let told = run(admin().delete_topics(&[name], &options())).expect("an answer");
    told.into_iter().next().unwrap().map_err(|(_, code)| code)
}

#[test]
fn topics_are_created_described_altered_grown_and_deleted() {
    let name = topic(2, &[("retention.ms", "7200000")]);
    until("its partitions are known", || partitions(&name) == Some(2));
    assert_eq!(
        described(&name, "retention.ms"),
        (Some("7200000".into()), ConfigSource::DynamicTopic)
    );
    assert_eq!(described(&name, "segment.bytes").1, ConfigSource::Default);

    let change = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", "2000000");
    let told = run(admin().alter_configs([&change], &options())).expect("an answer");
    assert!(told[0].is_ok(), "{told:?}");
    // The whole configuration is replaced: what is not named is the default.
    until("the change is told", || {
        described(&name, "max.message.bytes").0 == Some("2000000".into())
            && described(&name, "retention.ms").1 == ConfigSource::Default
    });

    let more = NewPartitions::new(&name, 5);
    let told = run(admin().create_partitions([&more], &options())).expect("an answer");
    assert_eq!(told, vec![Ok(name.clone())]);
    until("it has grown", || partitions(&name) == Some(5));
    let fewer = NewPartitions::new(&name, 3);
    let told = run(admin().create_partitions([&fewer], &options())).expect("an answer");
    assert_eq!(told, vec![Err((name.clone(), Code::InvalidPartitions))]);

    assert_eq!(delete(&name), Ok(name.clone()));
    until("it is gone", || partitions(&name).is_none());
    assert_eq!(delete(&name), Err(Code::UnknownTopicOrPartition));
}

#[test]
fn a_name_used_again_starts_from_nothing() {
    let name = topic(1, &[]);
    fill(&name, 1, &values("old", 10));
    delete(&name).expect("it is deleted");
    until("it is created again", || create(new_topic(&name, 1, &[])).is_ok());
    fill(&name, 1, &values("new", 1));
    assert_eq!(all(&name, 1, "read_committed"), ["new0"]);
}

#[test]
fn topics_that_cannot_be_are_refused() {
    let there = topic(1, &[]);
    assert_eq!(create(new_topic(&there, 1, &[])), Err(Code::TopicAlreadyExists));
    for wrong in ["no/such name", "..", &"x".repeat(250)] {
        assert_eq!(create(new_topic(wrong, 1, &[])), Err(Code::InvalidTopic));
    }
    let name = fresh("rust");
    let refused = [
        (new_topic(&name, 1, &[("retention.ms", "soon")]), Code::InvalidConfig),
        (new_topic(&name, 1, &[("no.such.key", "1")]), Code::InvalidConfig),
    ];
    for (wrong, code) in refused {
        assert_eq!(create(wrong), Err(code));
    }
    let many = rdkafka::admin::NewTopic::new(&name, 1, rdkafka::admin::TopicReplication::Fixed(99));
    assert_eq!(create(many), Err(Code::InvalidReplicationFactor));

    let only = options().validate_only(true);
    assert_eq!(create_with(new_topic(&name, 1, &[]), &only), Ok(name.clone()));
    assert_eq!(partitions(&name), None);
}

#[test]
fn the_cluster_and_its_brokers_are_described() {
    let client = admin();
    let told = client.inner().fetch_metadata(None, PATIENCE).expect("metadata");
    let given = servers();
    let mut found: Vec<_> =
        told.brokers().iter().map(|b| format!("{}:{}", b.host(), b.port())).collect();
    found.sort();
    let mut wanted: Vec<_> = given.split(',').map(String::from).collect();
    wanted.sort();
    assert_eq!(found, wanted);
    assert!(client.inner().fetch_cluster_id(PATIENCE).is_some_and(|id| !id.is_empty()));
    for broker in told.brokers() {
        let asked = [ResourceSpecifier::Broker(broker.id())];
        let told = run(admin().describe_configs(&asked, &options())).expect("an answer");
        let resource = told[0].as_ref().expect("the broker tells");
        let value = &resource.get("log.segment.bytes").expect("a known key").value;
        assert!(value.as_ref().is_some_and(|v| v.parse::<u64>().is_ok()), "{value:?}");
    }
}

#[test]
fn records_are_deleted_up_to_an_offset() {
    let name = topic(1, &[]);
    fill(&name, 1, &values("v", 100));
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(&name, 0, Offset::Offset(60)).unwrap();
    let told = run(admin().delete_records(&before, &options())).expect("an answer");
    let at = told.find_partition(&name, 0).expect("it is told");
    assert_eq!((at.offset(), at.error()), (Offset::Offset(60), Ok(())));
    let client = producer(&[]);
    let bounds = client.client().fetch_watermarks(&name, 0, PATIENCE).expect("offsets");
    assert_eq!(bounds, (60, 100));
    assert_eq!(all(&name, 1, "read_committed"), values("v", 100)[60..]);

    before.set_partition_offset(&name, 0, Offset::Offset(101)).unwrap();
    let told = run(admin().delete_records(&before, &options())).expect("an answer");
    let error = told.find_partition(&name, 0).expect("it is told").error();
    assert_eq!(error.unwrap_err().rdkafka_error_code(), Some(Code::OffsetOutOfRange));
}

#[test]
fn groups_are_listed_and_deleted() {
    let (name, group) = (topic(1, &[]), fresh("g"));
    let deleted = |group: &str| {
        let told = run(admin().delete_groups(&[group], &options())).expect("an answer");
        told.into_iter().next().unwrap().map_err(|(_, code)| code)
    };
    assert_eq!(deleted(&group), Err(Code::GroupIdNotFound));
    let member = Member::join(&group, &name, &[]);
    until("it has joined", || member.partitions() == [0]);
    let client = reader(&name, 1, &[]);
    until("it is stable", || {
        let list = client.fetch_group_list(Some(&group), PATIENCE).expect("a list");
        let told = &list.groups()[0];
        (told.state(), told.protocol_type(), told.members().len()) == ("Stable", "consumer", 1)
    });
    let list = client.fetch_group_list(None, PATIENCE).expect("a list");
    assert!(list.groups().iter().any(|g| g.name() == group));
    assert_eq!(deleted(&group), Err(Code::NonEmptyGroup));
    member.leave();
    until("it is deleted", || deleted(&group).is_ok());
    assert_eq!(deleted(&group), Err(Code::GroupIdNotFound));
}
