"""Spark's structured streaming reads topics, and writes them.

A query that counts words takes what there is, and another one goes on from its
checkpoint while more comes: no line is counted twice, and none that was written
in a transaction that was aborted. Batches find offsets by number and by time,
and headers come back.
"""
import json
import os
import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from programs import SERVER, check, classpath, test_folder

PARTITIONS = 2
LINES = 400
SECONDS = 200  # far more than anything takes, but on a busy machine


def fill(topic, begin, end, times=None, transaction=None):
    settings = {"bootstrap.servers": SERVER, "linger.ms": 5}
    if transaction:
        settings["transactional.id"] = "spark"
    producer = Producer(settings)
    if transaction:
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
    for i in range(begin, end):
        producer.produce(
            topic, key=f"k{i}", value=f"even{i % 2} all",
            partition=i % PARTITIONS, headers=[("h", str(i).encode())],
            **({"timestamp": times + i} if times else {}))
    check(producer.flush(SECONDS) == 0, "all lines are acknowledged")
    if transaction:
        getattr(producer, f"{transaction}_transaction")(SECONDS)


def topics(*names):
    admin = AdminClient({"bootstrap.servers": SERVER})
    for future in admin.create_topics(
            [NewTopic(name, PARTITIONS, -1) for name in names]).values():
        future.result(30)


class Spark:
    def __init__(self, folder):
        self.folder = folder
        # Beside Spark's own jars, of which one is not wanted twice.
        own = {name.rsplit("-", 1)[0] for name in os.listdir(os.path.join(
            os.environ["SPARK_HOME"], "jars"))}
        jars = [jar for jar in classpath("spark").split(":")
                if os.path.basename(jar).rsplit("-", 1)[0] not in own]
        self.session = (
            SparkSession.builder.master("local[2]").appName("tests")
            .config("spark.jars", ",".join(jars))
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.local.dir", folder)
            .config("spark.sql.warehouse.dir", folder).getOrCreate())
        self.session.sparkContext.setLogLevel("ERROR")

    def options(self, how, **options):
        how = how.format("kafka").option("kafka.bootstrap.servers", SERVER)
        for key, value in options.items():
            how = how.option(key, value)
        return how

    def read(self, topic, **options):
        return self.options(self.session.read, subscribe=topic,
                            includeHeaders="true", **options).load()

    def stream(self, topic):
        return self.options(
            self.session.readStream, subscribe=topic,
            startingOffsets="earliest", maxOffsetsPerTrigger="100",
            **{"kafka.isolation.level": "read_committed"}).load()

    def count_words(self, **trigger):
        """One record for each word in each batch: how often it was there."""
        words = self.stream("lines").select(f.explode(f.split(
            f.col("value").cast("string"), " ")).alias("key"))

        def write(batch, number):
            counts = batch.groupBy("key").count()
            self.options(counts.select(
                "key", f.concat_ws(" ", f.lit(number), "count").alias("value")
            ).write, topic="counts").save()
        return words.writeStream.foreachBatch(write).trigger(
            **trigger).option("checkpointLocation", os.path.join(
                self.folder, "checkpoint")).start()

    def counts(self):
        """A batch that was cut short is written again under its number."""
        told = {}
        for row in self.read("counts").select(
                f.col("key").cast("string"),
                f.col("value").cast("string")).collect():
            batch, count = map(int, row.value.split())
            check(told.setdefault((row.key, batch), count) == count,
                  f"batch {batch} is the same again")
        words = {}
        for (word, _), count in told.items():
            words[word] = words.get(word, 0) + count
        return words, len({batch for _, batch in told})


def batches(spark):
    now = int(time.time() * 1000)
    fill("batch", 0, LINES, times=now)
    rows = spark.read("batch").collect()
    check(len(rows) == LINES, f"all is read, not only {len(rows)}")
    for row in rows:
        number = row.offset * PARTITIONS + row.partition
        check((row.key, row.headers[0].value, row.timestamp.timestamp())
              == (f"k{number}".encode(), str(number).encode(),
                  (now + number) / 1000), f"{row} is what was written")
    some = spark.read(
        "batch", startingOffsets=json.dumps({"batch": {"0": 10, "1": -2}}),
        endingOffsets=json.dumps({"batch": {"0": 20, "1": 5}})).count()
    check(some == 15, f"offsets bound what is read: {some}")
    late = spark.read("batch", startingOffsetsByTimestamp=json.dumps(
        {"batch": {"0": now + 100, "1": now + 301}})).count()
    check(late == 150 + 50, f"times bound what is read: {late}")
    print("ok   batches are read by offset and by time, with headers")
    spark.options(spark.session.range(LINES).select(
        f.col("id").cast("string").alias("key"), f.concat(
            f.lit("v"), f.col("id")).alias("value"),
        (f.col("id") % PARTITIONS).cast("int").alias("partition")).write,
        topic="written").save()
    again = spark.read("written").select(
        f.col("key").cast("string").cast("int"), f.col("value").cast("string"),
        "partition").collect()
    check(sorted(tuple(row) for row in again) == [
        (i, f"v{i}", i % PARTITIONS) for i in range(LINES)],
        "what Spark wrote is there")
    print("ok   batches are written")


def streams(spark):
    fill("lines", 0, LINES)
    query = spark.count_words(availableNow=True)
    check(query.awaitTermination(SECONDS), "the first query ends")
    words, first = spark.counts()
    check(words == {"all": LINES, "even0": LINES // 2, "even1": LINES // 2},
          f"it has counted all that was there: {words}")
    query = spark.count_words(processingTime="0 seconds")
    fill("lines", LINES, 2 * LINES, transaction="abort")
    fill("lines", LINES, 2 * LINES, transaction="commit")
    query.processAllAvailable()
    query.stop()
    words, both = spark.counts()
    check(words == {"all": 2 * LINES, "even0": LINES, "even1": LINES},
          f"each line is counted once: {words}")
    check(first >= LINES // 100 and both > first, "in batches")
    print(f"ok   a query counts {2 * LINES} lines in {both} batches, goes on "
          "from its checkpoint, and reads nothing that was aborted")


def main():
    topics("batch", "written", "lines", "counts")
    with test_folder("spark") as folder:
        spark = Spark(folder)
        try:
            for part in (batches, streams):
                part(spark)
        finally:
            spark.session.stop()


if __name__ == "__main__":
    main()
