import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Counts words, exactly once: every word of a line in the topic `lines` becomes
 * one record in the topic `counts`, with how often the word was seen by then.
 *
 * usage: WordCount SERVER STATE-FOLDER
 */
class WordCount {
  public static void main(String[] args) throws Exception {
    var settings = new Properties();
    settings.putAll(Map.of(
        "application.id", "word-count", "bootstrap.servers", args[0],
        "state.dir", args[1], "processing.guarantee", "exactly_once_v2",
        "num.stream.threads", 2,
        // Long enough for a transaction to be found open.
        "commit.interval.ms", 500,
        // Each count is told, not only the last of several.
        "statestore.cache.max.bytes", 0));
    settings.putAll(Map.of(
        "consumer.session.timeout.ms", 6000, "consumer.heartbeat.interval.ms", 500,
        "main.consumer.auto.offset.reset", "earliest",
        // How long what another one has left open may hold it up.
        "producer.transaction.timeout.ms", 5000));
    var builder = new StreamsBuilder();
    builder.stream("lines", Consumed.with(Serdes.String(), Serdes.String()))
        .flatMapValues(line -> List.of(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
        .count(Materialized.as("counted"))
        .toStream()
        .to("counts", Produced.with(Serdes.String(), Serdes.Long()));
    var streams = new KafkaStreams(builder.build(), new StreamsConfig(settings));
    var ended = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      System.out.println("state " + now);
      if (now == KafkaStreams.State.ERROR)
        ended.countDown();
    });
    streams.setUncaughtExceptionHandler(why -> {
      why.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(
        new Thread(() -> streams.close(Duration.ofSeconds(30))));
    streams.start();
    ended.await();
    System.exit(1);
  }
}
