#include "simulation/cluster_faults.hpp"

#include "schema/assert.hpp"
#include "simulation/log_damage.hpp"
#include "storage/data_directory_listing.hpp"

namespace millrace {

namespace {

constexpr std::array<const char*, sim_fault_count> names{"rough", "one_way",
  "isolation", "halves", "bridge", "ring", "swizzle", "mute", "false_alarm",
  "client_cut", "client_gone", "kill", "power_loss", "disk_operation",
  "recovery", "pause", "blackout", "clock_jump", "clock_drift", "failed_sync",
  "full_disk", "slow_disk", "moved_log", "bit_flip", "misdirected",
  "wiped_disk", "log_dir_gone", "log_dir_away"};

} // namespace

const char* to_string(sim_fault fault) {
  return names.at(static_cast<size_t>(fault));
}

result<sim_fault_set> parse_faults(std::string_view text) {
  sim_fault_set set;
  if (text == "all")
    return set.set();
  if (text == "none")
    return set;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto name = text.substr(0, comma);
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      std::string all;
      for (const auto* n : names)
        all += std::string{", "} + n;
      return error{errc::invalid_argument, "there is no fault "
                                             + std::string{name}
                                             + "; there are all, none" + all};
    }
    set.set(static_cast<size_t>(at - names.begin()));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return set;
}

cluster_faults::cluster_faults(
  cluster_clients& clients, fault_atlas& atlas, sim_fault_set kinds)
    : clients_(clients), atlas_(atlas), cluster_(clients.cluster),
      world_(clients.world) {
  for (size_t i = 0; i < sim_fault_count; ++i)
    if (kinds.test(i))
      kinds_.push_back(static_cast<sim_fault>(i));
}

int32_t cluster_faults::any() {
  return static_cast<int32_t>(
    world_.random(static_cast<uint64_t>(cluster_.size())));
}

sim_end cluster_faults::any_end() {
  return static_cast<sim_end>(world_.random(3));
}

sim_time cluster_faults::span(sim_time least, sim_time most) {
  uint64_t doublings = 0;
  while (least << (doublings + 1) <= most)
    ++doublings;
  const auto base = least << world_.random(doublings + 1);
  return std::min(most,
    base + static_cast<sim_time>(world_.random(static_cast<uint64_t>(base))));
}

void cluster_faults::start() {
  if (!kinds_.empty())
    plan();
}

void cluster_faults::plan() {
  clients_.later(2000, [this] {
    if (over_)
      return;
    const auto fault = kinds_[world_.random(kinds_.size())];
    world_.trace(9, static_cast<uint64_t>(fault));
    strike(fault);
    plan();
  });
}

void cluster_faults::strike(sim_fault fault) {
  if (fault <= sim_fault::client_gone) {
    if (!network_fault(fault))
      return;
  } else if (fault <= sim_fault::blackout) {
    process_fault(fault);
  } else if (fault >= sim_fault::log_dir_gone) {
    if (!log_dir_fault(fault, any_with_second_dir()))
      return;
  } else if (fault >= sim_fault::bit_flip) {
    if (!damage(fault, any()))
      return strike_later(fault);
  } else if (fault == sim_fault::moved_log) {
    if (!move_a_log(any_with_second_dir()))
      return;
  } else {
    machine_fault(fault);
  }
  ++counts_[static_cast<size_t>(fault)];
}

/// Once of each kind: it may be possible then, when what is damaged now has
/// been repaired.
void cluster_faults::strike_later(sim_fault fault) {
  const auto index = static_cast<size_t>(fault);
  if (waiting_.test(index))
    return;
  waiting_.set(index);
  clients_.later(2000, [this, fault, index] {
    waiting_.reset(index);
    if (over_)
      return;
    world_.trace(9, static_cast<uint64_t>(fault));
    strike(fault);
  });
}

/// Cuts every way between two nodes that are `apart`, for a while. One such
/// shape at a time.
void cluster_faults::separate(
  const std::function<bool(int32_t, int32_t)>& apart) {
  std::vector<std::pair<node_id, node_id>> cuts;
  for (int32_t a = 0; a < cluster_.size(); ++a)
    for (int32_t b = 0; b < cluster_.size(); ++b)
      if (a != b && apart(a, b))
        cuts.emplace_back(sim_cluster::id_of(a), sim_cluster::id_of(b));
  for (const auto& [from, to] : cuts)
    cluster_.network().cut(from, to);
  const auto wait = span(20 * sim_ms, 8 * sim_second);
  separated_until_ = world_.now() + wait;
  world_.after(wait, [this, cuts] {
    for (const auto& [from, to] : cuts)
      cluster_.network().mend(from, to);
  });
}

void cluster_faults::swizzle() {
  for (int32_t a = 0; a < cluster_.size(); ++a) {
    if (world_.random(2) == 0)
      continue;
    clients_.later(1000, [this, a] {
      if (over_)
        return;
      for (int32_t b = 0; b < cluster_.size(); ++b)
        if (a != b)
          cluster_.network().clog(sim_cluster::id_of(b), sim_cluster::id_of(a),
            span(10 * sim_ms, 2 * sim_second));
    });
  }
}

/// False if there is a shape already.
bool cluster_faults::network_fault(sim_fault fault) {
  auto& net = cluster_.network();
  const auto a = any();
  const auto b = (a + 1
                   + static_cast<int32_t>(world_.random(
                     static_cast<uint64_t>(std::max(cluster_.size() - 1, 1)))))
                 % cluster_.size();
  const auto group = world_.random_bits();
  const auto in_group = [group](int32_t n) {
    return (group >> n & 1) != 0;
  };
  const bool is_shape = fault >= sim_fault::one_way && fault <= sim_fault::ring;
  if (is_shape && separated_until_ > world_.now())
    return false;
  switch (fault) {
  case sim_fault::rough:
    net.set_manners(network_manners::bad());
    world_.after(span(sim_second, 10 * sim_second), [this] {
      cluster_.network().set_manners(network_manners::good());
    });
    break;
  case sim_fault::one_way:
    separate([=](int32_t from, int32_t to) {
      return from == a && to == b;
    });
    break;
  case sim_fault::isolation: {
    // From all sides, or in one direction alone.
    const auto how = world_.random(4);
    separate([=](int32_t from, int32_t to) {
      return (from == a && how != 1) || (to == a && how != 0);
    });
    break;
  }
  case sim_fault::halves:
    separate([=](int32_t from, int32_t to) {
      return in_group(from) != in_group(to);
    });
    break;
  case sim_fault::bridge:
    separate([=](int32_t from, int32_t to) {
      return from != a && to != a && in_group(from) != in_group(to);
    });
    break;
  case sim_fault::ring:
    separate([n = cluster_.size()](int32_t from, int32_t to) {
      return (from + 1) % n != to && (to + 1) % n != from;
    });
    break;
  case sim_fault::swizzle:
    swizzle();
    break;
  case sim_fault::mute:
    net.mute(sim_cluster::id_of(a), sim_cluster::id_of(b),
      span(10 * sim_ms, 4 * sim_second));
    break;
  case sim_fault::false_alarm:
    net.break_contact(sim_cluster::id_of(a), sim_cluster::id_of(b),
      world_.random(2) == 0 ? link_state::refused : link_state::down,
      span(1 * sim_ms, 1 * sim_second));
    break;
  case sim_fault::client_cut:
    clients_.links[static_cast<size_t>(a)]->cut(
      span(10 * sim_ms, 8 * sim_second));
    break;
  default:
    clients_.links[static_cast<size_t>(a)]->break_one(world_.random_bits());
  }
  return true;
}

void cluster_faults::process_fault(sim_fault fault) {
  const auto node = any();
  switch (fault) {
  case sim_fault::kill:
    cluster_.end_after(node, 1 + world_.random(300), sim_end::kill);
    break;
  case sim_fault::power_loss:
    cluster_.end_after(node, 1 + world_.random(300),
      world_.random(2) == 0 ? sim_end::power_loss : sim_end::torn_power_loss);
    break;
  case sim_fault::disk_operation:
    cluster_.end_in_disk_operation(
      node, 1 + world_.random(50), sim_end::torn_power_loss);
    break;
  case sim_fault::recovery:
    cluster_.end_in_next_start(node, 1 + world_.random(60));
    cluster_.end(node, any_end());
    break;
  case sim_fault::pause:
    pause_one();
    break;
  default:
    cluster_.end_all(
      world_.random(2) == 0 ? sim_end::power_loss : sim_end::torn_power_loss);
  }
}

void cluster_faults::pause_one() {
  // One long pause at a time: else nobody would be left.
  const bool may_be_long = long_pause_until_ <= world_.now();
  const auto length
    = span(1 * sim_ms, may_be_long ? 120 * sim_second : 1 * sim_second);
  if (length > 1 * sim_second)
    long_pause_until_ = world_.now() + length;
  cluster_.pause(any(), length, world_.random(2) == 0);
}

void cluster_faults::machine_fault(sim_fault fault) {
  const auto node = any();
  switch (fault) {
  case sim_fault::clock_jump:
    // Up to a day, in either direction.
    cluster_.node(node).shift_wall_clock(
      static_cast<int64_t>(world_.random(2 * 86'400'000)) - 86'400'000);
    break;
  case sim_fault::clock_drift:
    // Up to a hundredth.
    cluster_.node(node).set_drift(
      static_cast<int64_t>(world_.random(20'001)) - 10'000);
    break;
  case sim_fault::failed_sync:
    fail_a_sync(node);
    break;
  case sim_fault::slow_disk:
    cluster_.node(node).slow_disks(span(1 * sim_ms, 4 * sim_second));
    break;
  default:
    fill_the_disk(node);
  }
}

/// R6: somebody's bytes are lost, and the page cache says otherwise. What is
/// offline then comes back with the process.
void cluster_faults::fail_a_sync(int32_t node) {
  cluster_.node(node).disks().files.fail_next_sync();
  clients_.later(2000, [this, node] {
    cluster_.end(node, sim_end::kill);
  });
}

void cluster_faults::fill_the_disk(int32_t node) {
  cluster_.node(node).disks().files.limit_space(0);
  world_.after(span(10 * sim_ms, 2 * sim_second), [this, node] {
    cluster_.node(node).disks().files.limit_space(UINT64_MAX);
  });
}

/// False if nobody could repair it.
bool cluster_faults::damage(sim_fault fault, int32_t node) {
  const bool wipes = fault == sim_fault::wiped_disk;
  if (wipes ? !atlas_.may_wipe(node) : !atlas_.may_damage(node))
    return false;
  if (wipes)
    atlas_.wiped(node);
  std::vector<std::string> hurt;
  cluster_.damage(node, [&](sim_disks& disks) {
    if (wipes)
      disks.wipe();
    else if (fault == sim_fault::bit_flip)
      hurt = flip_a_bit(disks.files, world_);
    else
      hurt = misdirect_a_write(disks.files, world_);
  });
  for (const auto& log : hurt)
    atlas_.damaged(node, log);
  return true;
}

/// Some log of the node goes to the other directory. False if it has none.
bool cluster_faults::move_a_log(int32_t node) {
  if (!cluster_.node(node).running())
    return false;
  const auto& core = cluster_.node(node).core();
  const auto logs = core.status->partitions();
  if (logs.empty())
    return false;
  const auto& name
    = std::next(logs.begin(), static_cast<int64_t>(world_.random(logs.size())))
        ->first;
  const auto& dirs = core.config->log_dirs;
  caf::anon_send(core.broker,
    log_dirs_ask{
      0, alter_replica_log_dirs{{{name, dirs[world_.random(dirs.size())]}}}});
  return true;
}

/// The node's second log directory cannot be used until its next end, or it is
/// there and empty. False if nobody could repair it, or nothing is in it.
bool cluster_faults::log_dir_fault(sim_fault fault, int32_t node) {
  if (!atlas_.may_damage(node))
    return false;
  std::set<std::string> logs;
  for (const auto& path : cluster_.node(node).disks().files.tree())
    if (path.starts_with(sim_second_log_dir) && path.ends_with(".log")
        && parse_log_directory_name(log_of(path)))
      logs.insert(log_of(path));
  if (logs.empty())
    return false;
  cluster_.damage(node, [&](sim_disks& disks) {
    if (fault == sim_fault::log_dir_gone) {
      const auto gone = remove_tree(disks.files, sim_second_log_dir);
      MILLRACE_ASSERT(gone.ok(), "a disk without a fault does what it is told");
      const auto synced = disks.files.sync_directory("/");
      MILLRACE_ASSERT(synced.ok(), "a disk without a fault syncs");
      return;
    }
    auto lock = disks.files.lock(sim_second_log_dir);
    MILLRACE_ASSERT(lock.ok(), "nobody has it who does not run");
    away_[node] = std::move(*lock);
  });
  // The node tells them as lost; somebody has them, or will fetch them.
  for (const auto& log : logs)
    atlas_.damaged(node, log);
  return true;
}

int32_t cluster_faults::any_with_second_dir() {
  const auto such = static_cast<uint64_t>(cluster_.size() + 1) / 2;
  return static_cast<int32_t>(2 * world_.random(such));
}

void cluster_faults::stop_and_heal() {
  over_ = true;
  cluster_.network().heal();
  for (const auto& [node, lock] : std::exchange(away_, {}))
    cluster_.end(node, sim_end::kill); // it finds the directory when it starts
  for (int32_t i = 0; i < cluster_.size(); ++i) {
    clients_.links[static_cast<size_t>(i)]->mend();
    cluster_.node(i).set_drift(0);
    cluster_.spare(i);
    cluster_.resume(i);
    cluster_.start(i);
  }
}

} // namespace millrace
