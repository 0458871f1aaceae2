#include "apps/cli/codec_option.hpp"
#include "apps/cli/command.hpp"
#include "apps/cli/format_string.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress.hpp"
#include "apps/cli/record_lines.hpp"
#include "apps/client/producer.hpp"

#include <poll.h>
#include <unistd.h>

namespace millrace::cli {
namespace {

struct produce_options {
  std::string topic;
  std::string key;
  bool has_key = false;
  std::string key_delimiter;
  std::string delimiter = "\\n";
  std::vector<std::string> headers;
  int32_t partition = -1;
  std::string codec = "none";
  std::string acks = "all";
  int64_t count = -1;
  bool json = false;
  bool null_empty = false;
  bool quiet = false;
};

result<line_format> line_format_of(const produce_options& options) {
  line_format format;
  auto delimiter = unescape(options.key_delimiter);
  if (!delimiter)
    return delimiter.error();
  format.key_delimiter = std::move(*delimiter);
  if (options.has_key)
    format.fixed_key = options.key;
  for (const auto& text : options.headers) {
    auto header = parse_header(text);
    if (!header)
      return header.error();
    format.headers.push_back(std::move(*header));
  }
  format.partition = options.partition;
  format.empty_is_null = options.null_empty;
  format.json = options.json;
  return format;
}

/// Whether more input is there already; a person at a terminal pauses, and
/// then what was typed is sent.
bool input_is_ready() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 5) != 0;
}

/// Reads stdin to its end, or until the count is reached.
class input_loop {
public:
  input_loop(const produce_options& options, line_format format,
    std::string delimiter, client::producer& to)
      : options_(options), format_(std::move(format)),
        cutter_(std::move(delimiter)), to_(to),
        progress_("wrote", !options.quiet) {}

  result<void> run() {
    std::string buffer(1 << 16, '\0');
    while (!done() && !interrupted()) {
      const auto got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return error{errc::io_error, "cannot read stdin"};
      if (got == 0) {
        if (auto last = cutter_.rest())
          MILLRACE_TRY(take(*last));
        break;
      }
      cutter_.feed({buffer.data(), static_cast<size_t>(got)});
      while (!done()) {
        const auto piece = cutter_.next();
        if (!piece)
          break;
        MILLRACE_TRY(take(*piece));
      }
      if (!input_is_ready())
        MILLRACE_TRY(flush());
    }
    return flush();
  }

private:
  [[nodiscard]] bool done() const {
    return options_.count >= 0 && taken_ >= options_.count;
  }

  result<void> take(std::string_view text) {
    // An empty line between JSON objects is no record; elsewhere it is one.
    if (format_.json && text.find_first_not_of(" \t\r") == text.npos)
      return {};
    auto record = parse_record(text, format_);
    if (!record)
      return error{record.error().code,
        "record " + std::to_string(taken_ + 1) + ": " + record.error().context};
    ++taken_;
    bytes_ += static_cast<int64_t>(text.size());
    auto added = to_.add(std::move(*record));
    progress_.show(to_.acknowledged_records(), bytes_);
    return added;
  }

  result<void> flush() {
    auto done = to_.flush();
    progress_.show(to_.acknowledged_records(), bytes_);
    return done;
  }

  const produce_options& options_;
  line_format format_;
  line_cutter cutter_;
  client::producer& to_;
  progress progress_;
  int64_t taken_ = 0;
  int64_t bytes_ = 0;
};

int produce(const command_context& context, const produce_options& options) {
  auto format = line_format_of(options);
  if (!format)
    return report(format.error());
  auto delimiter = unescape(options.delimiter);
  if (!delimiter)
    return report(delimiter.error());
  if (delimiter->empty())
    return report_usage("-D needs at least one character");
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  client::producer_options to;
  to.topic = options.topic;
  to.codec = codec_of(options.codec);
  to.acks = acks_of(options.acks);
  auto producer = client::producer::open(**nodes, std::move(to));
  if (!producer)
    return report(producer.error());
  watch_for_interrupt();
  input_loop loop{
    options, std::move(*format), std::move(*delimiter), *producer};
  if (auto done = loop.run(); !done)
    return report(
      {done.error().code, done.error().context + "; "
                            + std::to_string(producer->acknowledged_records())
                            + " records were written before that"});
  return exit_ok;
}

constexpr const char* footer = R"(
Each line of stdin is a record. A key is what stands before the delimiter of
-K. JSON lines (--json) are what `consume --output json` prints.

Examples:
  echo hello | millrace produce orders
  printf 'k1:first\nk2:second\n' | millrace produce orders -K:
  millrace produce orders -H trace=42 -z zstd < lines.txt
  echo '{"key":"a","value":{"n":1}}' | millrace produce orders --json
  echo 'k1:' | millrace produce orders -K: -Z        (a tombstone for k1))";

} // namespace

void add_produce(CLI::App& parent, command_context& context) {
  auto options = make_options<produce_options>();
  auto* command
    = parent.add_subcommand("produce", "Write records from stdin to a topic");
  command->add_option("TOPIC", options->topic, "The topic")->required();
  auto* key = command->add_option(
    "-k,--key", options->key, "The key of records without one of their own");
  command->add_option("-K,--key-delimiter", options->key_delimiter,
    "What separates key and value in a line");
  command
    ->add_option("-D,--delimiter", options->delimiter, "What separates records")
    ->capture_default_str();
  command
    ->add_option("-H,--header", options->headers,
      "A header of every record, NAME=VALUE; may be repeated")
    ->allow_extra_args(false);
  command
    ->add_option("-p,--partition", options->partition,
      "Write to this partition, whatever the key")
    ->check(CLI::NonNegativeNumber);
  add_codec_option(*command, options->codec);
  add_acks_option(*command, options->acks);
  command
    ->add_option("-c,--count", options->count, "Stop after this many records")
    ->check(CLI::NonNegativeNumber);
  command->add_flag("--json", options->json, "Lines are JSON objects");
  command->add_flag(
    "-Z,--null", options->null_empty, "Empty keys and values are null");
  command->add_flag("-q,--quiet", options->quiet, "No progress line");
  add_server_options(*command, context);
  command->footer(footer);
  set_action(*command, context, [&context, options, key] {
    options->has_key = key->count() > 0;
    return produce(context, *options);
  });
}

} // namespace millrace::cli
