#include "storage/open_transactions.hpp"

#include <algorithm>

namespace millrace {

void open_transactions::restore(const producer_state& producers) {
  clear();
  for (const auto& producer : producers.list())
    if (producer.transaction_start.value >= 0) {
      first_of_.emplace(producer.id, producer.transaction_start);
      open_.insert(producer.transaction_start);
    }
}

void open_transactions::clear() {
  first_of_.clear();
  open_.clear();
  undecided_.clear();
}

std::optional<ended_transaction> open_transactions::apply(
  const batch_view& batch, offset base) {
  if (!batch.is_transactional() || batch.producer().value < 0)
    return {};
  if (!batch.is_control()) {
    if (first_of_.try_emplace(batch.producer(), base).second)
      open_.insert(base);
    return {};
  }
  const auto found = first_of_.find(batch.producer());
  if (found == first_of_.end())
    return {}; // nothing of it was here
  ended_transaction ended{batch.producer(), found->second, base};
  open_.erase(found->second);
  first_of_.erase(found);
  ended.last_stable = open_.empty() ? base + int64_t{1} : *open_.begin();
  undecided_.emplace(ended.first, ended.marker);
  return ended;
}

void open_transactions::advance(offset high_watermark) {
  std::erase_if(undecided_, [&](const auto& one) {
    return one.second < high_watermark;
  });
}

std::optional<offset> open_transactions::first_unstable() const {
  if (open_.empty() && undecided_.empty())
    return {};
  if (open_.empty())
    return undecided_.begin()->first;
  if (undecided_.empty())
    return *open_.begin();
  return std::min(*open_.begin(), undecided_.begin()->first);
}

offset open_transactions::last_stable(offset high_watermark) const {
  return std::min(high_watermark, first_unstable().value_or(high_watermark));
}

} // namespace millrace
