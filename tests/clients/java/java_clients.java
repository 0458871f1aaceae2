import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Kafka's Java clients against the server at $BOOTSTRAP.
 *
 * usage: JavaClients [PART OF A SENTENCE]   all tests, or those so named
 *        JavaClients member GROUP TOPIC...  a member of a group, to be killed
 */
class JavaClients {
  /** Tests mostly wait, for rebalances and time-outs: some at a time. */
  static final int AT_A_TIME = 4;

  public static void main(String[] args) throws Exception {
    if (args.length > 0 && args[0].equals("member")) {
      Groups.beMember(args[1], List.of(args).subList(2, args.length));
      return;
    }
    var cases = new ArrayList<ClientCase.Case>();
    cases.addAll(Groups.cases()); // the longest first
    cases.addAll(AssignedGroups.cases());
    cases.addAll(Quotas.cases());
    cases.addAll(Transactions.cases());
    cases.addAll(Consuming.cases());
    cases.addAll(FetchSessions.cases());
    cases.addAll(Producing.cases());
    cases.addAll(Administration.cases());
    cases.addAll(Security.cases());
    cases.addAll(Telemetry.cases());
    cases.addAll(Shares.cases());
    if (args.length > 0)
      cases.removeIf(c -> !c.sentence().contains(args[0]));
    var pool = Executors.newFixedThreadPool(AT_A_TIME);
    var runs = cases.stream().map(c -> (Callable<Boolean>) () -> run(c)).toList();
    int failed = 0;
    for (var result : pool.invokeAll(runs))
      failed += result.get() ? 0 : 1;
    pool.shutdown();
    System.out.printf("kafka-clients %s: %d passed, %d failed%n",
        AppInfoParser.getVersion(), cases.size() - failed, failed);
    System.exit(failed == 0 && !cases.isEmpty() ? 0 : 1);
  }

  private static boolean run(ClientCase.Case test) {
    long began = System.nanoTime();
    try {
      test.body().run();
    } catch (Throwable why) {
      synchronized (System.out) {
        System.out.println("FAIL " + test.sentence());
        why.printStackTrace(System.out);
      }
      return false;
    }
    System.out.printf("ok   %s (%.1f s)%n", test.sentence(), (System.nanoTime() - began) / 1e9);
    return true;
  }
}
