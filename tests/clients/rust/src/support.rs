//! What the tests share: clients, topics of their own, and waiting.
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::future_producer::Delivery;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

/// Far more than anything takes, but on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(200);
/// How long one look for a record may last.
pub const LOOK: Duration = Duration::from_millis(100);

pub fn servers() -> String {
    std::env::var("BOOTSTRAP").expect("$BOOTSTRAP names the server")
}

/// A name that no other test has, nor another run against the same server.
pub fn fresh(prefix: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{:x}-{count}", now() & 0xffff_ffff_ffff)
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_millis() as i64
}

pub fn config(more: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers());
    for (key, value) in more {
        config.set(*key, *value);
    }
    config
}

/// Runs what is asynchronous to its end.
pub fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .expect("it ends in time")
}

pub fn until(sentence: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {sentence}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

pub fn admin() -> AdminClient<DefaultClientContext> {
    config(&[]).create().expect("an admin client")
}

pub fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}

/// As many replicas as the server gives to who does not say.
pub fn new_topic<'a>(
    name: &'a str,
    partitions: i32,
    configs: &[(&'a str, &'a str)],
) -> NewTopic<'a> {
    configs.iter().fold(
        NewTopic::new(name, partitions, TopicReplication::Fixed(-1)),
        |topic, (key, value)| topic.set(key, value),
    )
}

pub fn create(topic: NewTopic<'_>) -> Result<String, RDKafkaErrorCode> {
    create_with(topic, &options())
}

pub fn create_with(
    topic: NewTopic<'_>,
    options: &AdminOptions,
) -> Result<String, RDKafkaErrorCode> {
    let mut results = run(admin().create_topics([&topic], options)).expect("an answer");
    assert_eq!(results.len(), 1);
    results.remove(0).map_err(|(_, code)| code)
}

/// A topic of one's own. An answer that is lost, as when the controller changes,
/// makes the client ask again.
pub fn topic(partitions: i32, configs: &[(&str, &str)]) -> String {
    let name = fresh("rust");
    match create(new_topic(&name, partitions, configs)) {
        Ok(_) | Err(RDKafkaErrorCode::TopicAlreadyExists) => name,
        Err(code) => panic!("{name} is not created: {code}"),
    }
}

pub fn producer(more: &[(&str, &str)]) -> FutureProducer {
    config(&[("linger.ms", "5")])
        .set("acks", "all")
        .set("message.timeout.ms", PATIENCE.as_millis().to_string())
        .extended(more)
        .create()
        .expect("a producer")
}

pub trait Extended {
    fn extended(&mut self, more: &[(&str, &str)]) -> &mut Self;
}

impl Extended for ClientConfig {
    fn extended(&mut self, more: &[(&str, &str)]) -> &mut Self {
        for (key, value) in more {
            self.set(*key, *value);
        }
        self
    }
}

/// Sends all of them before it awaits the first acknowledgement; tells in this
/// order what came of them.
pub fn try_send(
    producer: &FutureProducer,
    records: Vec<FutureRecord<'_, str, str>>,
) -> Vec<Result<Delivery, KafkaError>> {
    let mut sent = Vec::new();
    for record in records {
        let queued = producer.send_result(record);
        sent.push(queued.map_err(|(error, _)| error).expect("there is room"));
    }
    run(async {
        let mut told = Vec::new();
        for one in sent {
            let delivered = one.await.expect("the producer lives");
            told.push(delivered.map_err(|(error, _)| error));
        }
        told
    })
}

pub fn send(producer: &FutureProducer, records: Vec<FutureRecord<'_, str, str>>) -> Vec<Delivery> {
    let told = try_send(producer, records).into_iter();
    told.map(|one| one.expect("it is acknowledged")).collect()
}

/// Puts values into partitions, each into number * partition count.
pub fn fill(name: &str, partitions: i32, values: &[String]) {
    fill_with(&producer(&[]), name, partitions, values);
}

pub fn fill_with(producer: &FutureProducer, name: &str, partitions: i32, values: &[String]) {
    let record = |(i, value): (usize, &'_ String)| (i as i32 % partitions, value.clone());
    let records: Vec<_> = values.iter().enumerate().map(record).collect();
    send(
        producer,
        records
            .iter()
            .map(|(at, value)| {
                FutureRecord::to(name).partition(*at).payload(value.as_str())
            })
            .collect(),
    );
}

pub fn values(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{prefix}{i}")).collect()
}

/// A reader of one's own of all partitions, from their beginnings.
pub fn reader(name: &str, partitions: i32, more: &[(&str, &str)]) -> BaseConsumer {
    let reader: BaseConsumer = config(&[("group.id", "none"), ("enable.auto.commit", "false")])
        .extended(more)
        .create()
        .expect("a consumer");
    let mut from = TopicPartitionList::new();
    for i in 0..partitions {
        from.add_partition_offset(name, i, Offset::Beginning).expect("an offset");
    }
    reader.assign(&from).expect("it is assigned");
    reader
}

/// The next count records.
pub fn take(reader: &BaseConsumer, count: usize) -> Vec<OwnedMessage> {
    let mut taken = Vec::new();
    until(&format!("{count} records come"), || {
        while let Some(record) = reader.poll(LOOK) {
            taken.push(record.expect("a record").detach());
            if taken.len() == count {
                return true;
            }
        }
        taken.len() == count
    });
    taken
}

pub fn text(record: &OwnedMessage) -> String {
    String::from_utf8(record.payload().expect("a value").to_vec()).expect("a text")
}

pub fn texts(records: &[OwnedMessage]) -> Vec<String> {
    records.iter().map(text).collect()
}

/// What there is, up to the ends of all partitions.
pub fn all(name: &str, partitions: i32, isolation: &str) -> Vec<String> {
    let reader = reader(
        name,
        partitions,
        &[("enable.partition.eof", "true"), ("isolation.level", isolation)],
    );
    let (mut found, mut ended) = (Vec::new(), 0);
    until("the end comes", || {
        match reader.poll(LOOK) {
            Some(Ok(record)) => found.push(text(&record.detach())),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("{error}"),
            None => (),
        }
        ended == partitions
    });
    found
}
