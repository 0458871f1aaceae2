#include "actors/custom_shell.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "storage/record_builder.hpp"

namespace millrace {

namespace {

/// An actor whose records wait for so long reads no more.
constexpr size_t waiting_bytes_max = 4 << 20;
constexpr size_t waiting_effects_max = 10'000;
constexpr size_t early_letters_max = 1000;
constexpr size_t rewrite_batch_bytes = 512 << 10;

} // namespace

custom_shell::custom_shell(custom_host_actor::pointer self, environment& env,
  custom_host_options options)
    : self_(self), env_(env), options_(std::move(options)),
      nodes_(options_.nodes) {
  client_ = std::make_unique<custom_client>(
    [this](front_ask ask) {
      tell(self_, options_.front, std::move(ask));
    },
    [this](int64_t ms, std::function<void()> what) {
      set_timer(ms, std::move(what), false);
    });
  const auto complain = [this](const std::string& what) {
    log::warn("actor {}: {}", to_string(options_.address), what);
  };
  custom_reader_options reading{
    .position =
      [this](const std::string& topic, int32_t partition) {
        return memory_.position(topic, partition);
      },
    .has_room =
      [this] {
        return writer_->waiting_bytes() < waiting_bytes_max
               && effects_.size() < waiting_effects_max
               // At most one commit's worth ahead of what is durable.
               && (committing_.empty() || !memory_.is_changed());
      },
    .deliver =
      [this](const read_step& step) {
        deliver(step);
      },
    .complain = complain};
  if (is_placed()) {
    reading.instance = options_.address.instance;
    reading.instances = options_.deployment.instances;
  }
  reader_ = std::make_unique<custom_reader>(*client_, std::move(reading));
  writer_ = std::make_unique<custom_writer>(
    *client_, custom_writer_options{.wall_clock_ms =
                                      [this] {
                                        return env_.wall_clock_ms();
                                      },
                .done =
                  [this](uint64_t number) {
                    if (is_placed())
                      memory_.finish_write(number);
                    end_turn();
                  },
                .lost =
                  [this](const std::string& why) {
                    fail("another life of it has begun: " + why);
                  },
                .complain = complain});
}

void custom_shell::start() {
  if (is_placed())
    replay_some();
  else
    ask_for_producer_id();
}

// -- turns --------------------------------------------------------------------

void custom_shell::end_turn() {
  if (ended_ || !committing_.empty())
    return;
  if (is_placed() && memory_.is_changed()) {
    commit();
    return;
  }
  static_cast<void>(memory_.take_changes()); // of what is not kept
  release(std::exchange(effects_, {}));
}

void custom_shell::release(std::vector<effect> effects) {
  for (auto& e : effects) {
    if (auto* letter = std::get_if<actor_letter>(&e)) {
      tell(self_, options_.front, letter_out{std::move(*letter)});
    } else {
      auto& write = std::get<write_effect>(e);
      writer_->write(write.number, std::move(write.record));
    }
  }
}

void custom_shell::add_batch(
  produce_many& to, std::span<const actor_memory::record> of) {
  record_builder builder;
  builder.set_producer(producer_id{producer_.id}, producer_.epoch, sequence_);
  sequence_ = static_cast<int32_t>(
    (static_cast<uint32_t>(sequence_) + of.size()) & 0x7fffffffu);
  const auto now = env_.wall_clock_ms();
  for (const auto& record : of)
    builder.add({.timestamp_ms = now,
      .key = record.key,
      .value = record.value ? std::optional<std::string_view>{*record.value}
                            : std::nullopt});
  auto batch = builder.finish();
  MILLRACE_ASSERT(batch.ok(), "records without a codec make a batch");
  committing_[next_ticket_] = static_cast<int64_t>(of.size());
  to.entries.push_back({.ticket = next_ticket_++,
    .batch = std::move(*batch),
    .acks = -1,
    .origin = append_origin::coordinator});
  logged_ += static_cast<int64_t>(of.size());
}

/// Behind the changes, which are one batch and so one step: what follows only
/// says again what is so.
void custom_shell::add_everything(produce_many& to) {
  const auto all = memory_.everything();
  rewrite_ticket_ = next_ticket_;
  for (size_t begin = 0; begin < all.size();) {
    size_t bytes = 0;
    auto end = begin;
    while (end < all.size() && (end == begin || bytes < rewrite_batch_bytes)) {
      bytes += all[end].key.size() + all[end].value->size();
      ++end;
    }
    add_batch(to, std::span{all}.subspan(begin, end - begin));
    begin = end;
  }
  logged_ = static_cast<int64_t>(all.size());
}

void custom_shell::commit() {
  in_flight_ = std::exchange(effects_, {});
  produce_many append;
  add_batch(append, memory_.take_changes());
  const auto enough
    = 2 * static_cast<int64_t>(memory_.size()) + options_.trim_records_min;
  if (logged_ > enough)
    add_everything(append);
  tell(self_, options_.log, std::move(append));
}

void custom_shell::take(const produce_results& answer) {
  for (const auto& r : answer.results) {
    const auto size = committing_.extract(r.ticket);
    if (ended_ || size.empty())
      continue;
    if (r.error != kafka_error::none) {
      // It may be there or not: only a replay can tell.
      fail(std::string{"its state could not be written: "} + to_string(r.error)
           + " " + r.message);
      return;
    }
    if (r.ticket == rewrite_ticket_)
      rewritten_from_ = r.base_offset.value;
    // An earlier life may have written something after this one had read all,
    // and before it wrote itself. From then on it cannot.
    if (r.base_offset.value != log_end_) {
      fail("its state was written by an earlier life meanwhile");
      return;
    }
    log_end_ += size.mapped();
  }
  if (!ended_ && committing_.empty())
    on_committed();
}

void custom_shell::on_committed() {
  if (std::exchange(rewrite_ticket_, 0) != 0)
    tell(self_, options_.log,
      log_ask{trim_ticket, ask_delete_records{offset{rewritten_from_}}});
  release(std::exchange(in_flight_, {}));
  if (actor_ == nullptr)
    run();
  else
    end_turn();
}

void custom_shell::deliver(const read_step& step) {
  turn([&] {
    for (const auto& record : step.records)
      actor_->on_record(record);
    if (is_placed())
      memory_.set_position(step.topic, step.partition, step.next_offset);
  });
}

void custom_shell::fail(const std::string& why) {
  if (std::exchange(ended_, true))
    return;
  log::warn("actor {} ends on this node: {}", to_string(options_.address), why);
  self_->quit(caf::exit_reason::user_shutdown);
}

// -- what comes from outside --------------------------------------------------

void custom_shell::take(const front_answer& answer) {
  if (!ended_)
    client_->take(answer);
}

void custom_shell::take(const letter_in& message) {
  if (actor_ != nullptr)
    turn([&] {
      actor_->on_message(actor_message{message.letter});
    });
  else if (early_.size() < early_letters_max)
    early_.push_back(message.letter);
}

void custom_shell::take(const nodes_up& change) {
  const auto before = std::exchange(nodes_, change.nodes);
  if (actor_ == nullptr)
    return;
  for (const auto node : before)
    if (!change.nodes.contains(node))
      turn([&] {
        actor_->on_node({node, false});
      });
  for (const auto node : change.nodes)
    if (!before.contains(node))
      turn([&] {
        actor_->on_node({node, true});
      });
}

void custom_shell::take(const host_timer& due) {
  auto at = timers_.extract(due.number);
  if (ended_ || at.empty())
    return;
  if (at.mapped().is_users)
    turn(at.mapped().what);
  else
    at.mapped().what();
}

} // namespace millrace
