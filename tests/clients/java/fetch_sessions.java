import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

/** Incremental fetches (KIP-227), as the client's own log tells of them. */
class FetchSessions extends ClientCase {
  static final Pattern ANSWER = Pattern.compile(
      "sent an incremental fetch response .* for session (\\d+)(?: with response=\\(([^)]*))?");
  static final Pattern FIRST = Pattern.compile("created a new incremental fetch session (\\d+)");

  static List<Case> cases() {
    return List.of(
        new Case("an incremental fetch answers only for partitions that changed",
            FetchSessions::changedOnly),
        new Case("a session forgets partitions and takes in new ones", FetchSessions::forgotten));
  }

  /** The sentences of one client's fetch sessions. */
  static class Overheard extends AbstractAppender implements AutoCloseable {
    final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    final String client;
    /** java_clients.sh says how much it tells. */
    static final LoggerConfig CONFIGURED = LoggerContext.getContext(false)
        .getConfiguration().getLoggerConfig("org.apache.kafka.clients.FetchSessionHandler");

    Overheard(String client) {
      super(client, null, null, true, Property.EMPTY_ARRAY);
      this.client = client;
      start();
      CONFIGURED.addAppender(this, Level.TRACE, null);
    }

    @Override public void append(LogEvent event) {
      String line = event.getMessage().getFormattedMessage();
      if (line.contains("clientId=" + client + ","))
        lines.add(line);
    }

    @Override public void close() {
      CONFIGURED.removeAppender(getName());
    }

    String session() {
      return find(FIRST).get(0).group(1);
    }

    List<Matcher> find(Pattern pattern) {
      synchronized (lines) {
        return lines.stream().map(pattern::matcher).filter(Matcher::find).toList();
      }
    }

    /** The answers that tell something of this partition. */
    long answersWith(TopicPartition partition) {
      return find(ANSWER).stream().map(m -> m.group(2)).filter(Objects::nonNull)
          .filter(told -> List.of(told.split(", ")).contains(partition.toString())).count();
    }
  }

  static void changedOnly() throws Exception {
    String topic = topic(20);
    String name = fresh("changed");
    var all = IntStream.range(0, 20).mapToObj(i -> at(topic, i)).toList();
    try (var heard = new Overheard(name);
        var consumer = consumer("client.id=" + name, "fetch.max.wait.ms=100")) {
      consumer.assign(all);
      until("sessions", () -> {
        consumer.poll(SHORTLY);
        return !heard.find(FIRST).isEmpty() && !heard.find(ANSWER).isEmpty();
      });
      for (int i = 0; i < 5; i++) {
        fill(topic, 7, 10);
        take(consumer, 10);
      }
      check(heard.answersWith(at(topic, 7)) >= 5, "the changed partition: " + heard.lines);
      for (int i = 0; i < 20; i++)
        if (i != 7)
          equal(0L, heard.answersWith(at(topic, i)), "answers with a partition unchanged");
      equal(1, heard.find(FIRST).size(), "sessions");
      for (var answer : heard.find(ANSWER))
        equal(heard.session(), answer.group(1), "an answer's session");
    }
  }

  static void forgotten() throws Exception {
    String topic = topic(3);
    String name = fresh("forgotten");
    try (var heard = new Overheard(name);
        var consumer = consumer("client.id=" + name, "fetch.max.wait.ms=100")) {
      consumer.assign(List.of(at(topic, 0), at(topic, 1)));
      fill(topic, 0, 5);
      take(consumer, 5);
      consumer.assign(List.of(at(topic, 1), at(topic, 2)));
      fill(topic, 2, 5);
      take(consumer, 5);
      fill(topic, 0, 5); // forgotten
      fill(topic, 1, 5);
      check(take(consumer, 5).stream().allMatch(r -> r.partition() == 1), "a forgotten one");
      equal(1, heard.find(FIRST).size(), "sessions");
      check(heard.lines.stream().noneMatch(l -> l.contains("invalid")), "invalid answers");
    }
  }
}
