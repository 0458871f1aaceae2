#pragma once

// What becomes of a partition when brokers come and go: who leads it, who is
// in its ISR, and who left the ISR but still has all of it (KIP-966).
//
// A replica whose log had to be cut after a crash (R10) may lack what was
// committed. While another member of the ISR can lead, it does not, and has to
// fetch again. When all that are there were cut, as after a loss of power, the
// one whose log goes furthest leads: a crash takes only what was never
// committed, and bytes go bad in one place, not in two at once. So two vouch
// for one another; one alone leads only where nobody else could have more.
//
// Nobody loses his place for being away while nobody else goes on without
// him: only a partition with a leader that lives loses members of its ISR. So
// after a loss of power of all nodes the first one of the ISR that is back
// leads, in whatever order they come (R1).

#include "cluster/config_node.hpp"
#include "cluster/metadata_image.hpp"

#include <functional>
#include <optional>
#include <set>

namespace millrace {

/// What of a topic's configuration decides about leaders and ISR.
struct replication_rules {
  int32_t min_isr = 1;
  bool unclean = false; ///< rather a leader that lacks records than none
  bool survives_power_loss = true; ///< millrace.durability is not `os`
};

/// Finds the rules of one topic after the other; most have no overrides.
class replication_rules_finder {
public:
  /// Both must outlive this.
  replication_rules_finder(
    const metadata_image& image, const node_config& node);
  [[nodiscard]] replication_rules of(const config_map& overrides) const;

private:
  const metadata_image& image_;
  const node_config& node_;
  replication_rules defaults_;
};

/// How the brokers stand in the decision that is being made.
struct broker_standings {
  const metadata_image& image;
  /// Whether it has been heard of since this controller leads. Of others it is
  /// not known that they live, whatever the image says.
  std::function<bool(node_id)> heard;
  std::set<node_id> gone; ///< lead and follow nothing from now on
  node_id back = no_node; ///< may lead from now on, with what is in these:
  std::vector<uuid> back_directories;

  [[nodiscard]] bool is_active(node_id id) const {
    return !gone.contains(id) && (id == back || image.is_active(id));
  }
  /// Of a broker that is active.
  [[nodiscard]] const std::vector<uuid>& directories_of(node_id id) const {
    return id == back ? back_directories : image.find_broker(id)->directories;
  }
};

[[nodiscard]] bool has_node(const std::vector<node_id>& nodes, node_id id);

/// The entry of a member of the ISR whose log was cut; null if it was not.
[[nodiscard]] const cut_replica* find_cut(
  const partition_registration& partition, node_id id);

/// The log of `id` is not cut any more, or cut elsewhere.
void forget_cut(partition_registration& partition, node_id id);

/// Whether it may lead with nothing lost, as far as its broker and directory
/// tell.
[[nodiscard]] bool can_lead(const partition_registration& partition, node_id id,
  const broker_standings& brokers);

/// Where in `partition.replicas` it is; their number if it is not.
[[nodiscard]] size_t replica_index(
  const partition_registration& partition, node_id id);

/// Whether the replica's data is in a directory that its broker has.
[[nodiscard]] bool has_its_directory(const partition_registration& partition,
  node_id id, const std::vector<uuid>& directories);

/// The partition with a leader if there can be one, and without those in the
/// ISR that its leader need not wait for. None if it stays as it is.
[[nodiscard]] std::optional<partition_registration> settled(
  const partition_registration& partition, const broker_standings& brokers,
  const replication_rules& rules);

/// Gives `next`, made out of `before`, the eligible replicas that follow from
/// its ISR, and the epochs that a change asks for. None if nothing changed.
[[nodiscard]] std::optional<partition_registration> numbered(
  const partition_registration& before, partition_registration next,
  const replication_rules& rules);

/// What the broker of `id` has lost takes its place in the ISR, unless nobody
/// else is there: then it keeps the place but cannot lead from it.
/// @param for_good what it had cannot come back with an old directory
void lose_replica(partition_registration& partition, node_id id, bool for_good);

} // namespace millrace
