#include "apps/cli/command.hpp"
#include "apps/cli/format_string.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress.hpp"
#include "apps/cli/reset_plan.hpp"
#include "apps/client/fetcher.hpp"
#include "apps/client/group_member.hpp"
#include "apps/client/positions.hpp"

#include <unistd.h>

namespace millrace::cli {
namespace {

struct consume_options {
  std::vector<std::string> topics;
  std::string group;
  std::string instance_id;
  std::vector<int32_t> partitions;
  std::string offset = "beginning";
  int64_t count = -1;
  bool exit_at_end = false;
  bool read_committed = false;
  bool null_as_text = false;
  bool quiet = false;
  std::string format = "%s\\n";
};

/// Prints records as they come, up to the count.
class printer {
public:
  printer(const consume_options& options, format_string format, bool json)
      : options_(options), format_(std::move(format)), json_(json),
        // Both on one terminal would overwrite each other.
        progress_("read", !options.quiet && ::isatty(STDOUT_FILENO) != 1) {}

  [[nodiscard]] bool done() const {
    return options_.count >= 0 && printed_ >= options_.count;
  }

  /// Returns how many of them were printed.
  size_t take(
    const std::vector<client::fetched_record>& records, int64_t bytes) {
    size_t taken = 0;
    for (const auto& record : records) {
      if (done())
        break;
      if (json_)
        text_ += to_json_line(record) + "\n";
      else
        format_.append(text_, record, options_.null_as_text ? "NULL" : "");
      ++printed_;
      ++taken;
      if (text_.size() > (1 << 16))
        write();
    }
    write();
    // A reader of a pipe, and a person, see them at once.
    std::fflush(stdout);
    progress_.show(printed_, bytes);
    return taken;
  }

private:
  void write() {
    print(text_);
    text_.clear();
  }

  const consume_options& options_;
  format_string format_;
  bool json_;
  progress progress_;
  std::string text_;
  int64_t printed_ = 0;
};

result<std::vector<topic_partition>> partitions_of(
  client::cluster& nodes, const consume_options& options) {
  std::vector<topic_partition> partitions;
  for (const auto& name : options.topics) {
    auto topic = nodes.fetch_topic(name);
    if (!topic)
      return topic.error();
    const auto count = static_cast<int32_t>(topic->partitions.size());
    for (auto p : options.partitions)
      if (p >= count)
        return error{errc::not_found, "topic '" + name + "' has no partition "
                                        + std::to_string(p) + ": it has "
                                        + std::to_string(count)};
    for (const auto& p : topic->partitions)
      if (options.partitions.empty()
          || std::find(
               options.partitions.begin(), options.partitions.end(), p.index)
               != options.partitions.end())
        partitions.push_back({name, p.index});
  }
  return partitions;
}

/// Without a group: reads the partitions named, remembers nothing.
result<void> read_alone(client::cluster& nodes, const consume_options& options,
  const offset_spec& from, client::fetcher& fetcher, printer& out) {
  auto partitions = partitions_of(nodes, options);
  if (!partitions)
    return partitions.error();
  auto positions = resolve_offsets(nodes, *partitions, from);
  if (!positions)
    return positions.error();
  MILLRACE_TRY(fetcher.assign(std::move(*positions)));
  while (!interrupted() && !out.done()) {
    auto records = fetcher.poll(500);
    if (!records)
      return records.error();
    out.take(*records, fetcher.received_bytes());
    if (options.exit_at_end && fetcher.at_end())
      break;
  }
  return {};
}

/// With a group: reads what the group assigns, commits what was printed.
class group_reader {
public:
  group_reader(client::cluster& nodes, const consume_options& options,
    const offset_spec& from, client::fetcher& fetcher, printer& out)
      : nodes_(nodes), options_(options), from_(from), fetcher_(fetcher),
        out_(out), member_(nodes, {options.group, options.topics,
                                    options.instance_id, 10000, 30000}) {}

  result<void> run() {
    auto outcome = loop();
    // Also after an error: what was printed is not to be read again.
    auto committed = member_.commit(printed_);
    member_.leave();
    return outcome ? committed : outcome;
  }

private:
  result<void> loop() {
    for (const auto& name : options_.topics)
      if (auto topic = nodes_.fetch_topic(name); !topic)
        return topic.error();
    int64_t commit_due_ms = client::steady_ms() + commit_interval_ms;
    while (!interrupted() && !out_.done()) {
      if (member_.rejoining() || client::steady_ms() >= commit_due_ms) {
        MILLRACE_TRY(member_.commit(printed_));
        printed_.clear();
        commit_due_ms = client::steady_ms() + commit_interval_ms;
      }
      auto is_new = member_.keep_up();
      if (!is_new)
        return is_new.error();
      if (*is_new)
        MILLRACE_TRY(begin_assignment());
      auto records = fetcher_.poll(500);
      if (!records)
        return records.error();
      const auto taken = out_.take(*records, fetcher_.received_bytes());
      for (size_t i = 0; i < taken; ++i) {
        const auto& r = (*records)[i];
        printed_[{r.topic, r.partition}] = r.offset + 1;
      }
      if (options_.exit_at_end && fetcher_.at_end())
        break;
    }
    return {};
  }

  /// Goes on where the group was, or where -o says for what is new to it.
  result<void> begin_assignment() {
    printed_.clear();
    const auto& mine = member_.assignment();
    auto committed = client::fetch_committed(nodes_, options_.group, mine);
    if (!committed)
      return committed.error();
    auto positions = resolve_offsets(nodes_, mine, from_);
    if (!positions)
      return positions.error();
    for (const auto& [tp, offset] : *committed)
      (*positions)[tp] = offset;
    return fetcher_.assign(std::move(*positions));
  }

  static constexpr int64_t commit_interval_ms = 5000;

  client::cluster& nodes_;
  const consume_options& options_;
  const offset_spec& from_;
  client::fetcher& fetcher_;
  printer& out_;
  client::group_member member_;
  client::committed_offsets printed_;
};

int consume(const command_context& context, const consume_options& options) {
  auto format = format_string::parse(options.format);
  if (!format)
    return report(format.error());
  auto from = parse_offset_spec(options.offset);
  if (!from)
    return report(from.error());
  if (!options.group.empty() && !options.partitions.empty())
    return report_usage("a group shares partitions out by itself: leave out "
                        "either --group or --partition");
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  client::fetcher_options fetching;
  fetching.read_committed = options.read_committed;
  client::fetcher fetcher{**nodes, fetching};
  printer out{
    options, std::move(*format), context.format() == output_format::json};
  watch_for_interrupt();
  const auto outcome
    = options.group.empty()
        ? read_alone(**nodes, options, *from, fetcher, out)
        : group_reader{**nodes, options, *from, fetcher, out}.run();
  return outcome ? static_cast<int>(exit_ok) : report(outcome.error());
}

constexpr const char* footer = R"(
Formats: %t topic  %p partition  %o offset  %k key  %K its length  %s value
  %S its length  %R the length as 4 bytes  %h headers  %T time in ms  %%
  and \n \r \t \0 \xNN; without -f each value is a line.

Examples:
  millrace consume orders                          everything, and what comes
  millrace consume orders -e                       everything, then stop
  millrace consume orders -o end                   what comes from now on
  millrace consume orders -o -10 -e                the last 10 of a partition
  millrace consume orders -o @2024-05-01T12:00:00Z -c 100
  millrace consume orders -g billing               as a member of a group
  millrace consume orders -f '%p:%o %k=%s\n'
  millrace consume orders --output json | jq .value)";

} // namespace

void add_consume(CLI::App& parent, command_context& context) {
  auto options = make_options<consume_options>();
  auto* command
    = parent.add_subcommand("consume", "Read records of topics to stdout");
  command->add_option("TOPIC", options->topics, "The topics")->required();
  command->add_option("-g,--group", options->group,
    "Read as a member of this consumer group, and commit");
  command
    ->add_option("--instance-id", options->instance_id,
      "Be this static member of the group (KIP-345)")
    ->needs("--group");
  command
    ->add_option("-p,--partition", options->partitions,
      "Only this partition; may be repeated")
    ->allow_extra_args(false)
    ->check(CLI::NonNegativeNumber);
  command
    ->add_option("-o,--offset", options->offset,
      "Where to start: beginning, end, an offset N, -N before the end, @TIME; "
      "a group goes on where it was, and starts here what is new to it")
    ->capture_default_str();
  command
    ->add_option("-c,--count", options->count, "Stop after this many records")
    ->check(CLI::NonNegativeNumber);
  command->add_flag(
    "-e,--exit", options->exit_at_end, "Stop at the end of the partitions");
  command
    ->add_option(
      "-f,--format", options->format, "How to print a record, see below")
    ->capture_default_str();
  command->add_flag("--read-committed", options->read_committed,
    "Leave out what open transactions wrote");
  command->add_flag(
    "-Z,--null", options->null_as_text, "Print null keys and values as NULL");
  command->add_flag("-q,--quiet", options->quiet, "No progress line");
  add_server_options(*command, context);
  add_output_option(*command, context, false);
  command->footer(footer);
  set_action(*command, context, [&context, options] {
    return consume(context, *options);
  });
}

} // namespace millrace::cli
