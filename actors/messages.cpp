#include "actors/messages.hpp"

namespace millrace {

bool apply_to(metadata_image& image, const committed_command& entry) {
  if (entry.index == 0) {
    image.apply_part(entry.command);
    return true;
  }
  const auto index = static_cast<int64_t>(entry.index);
  if (index <= image.applied_index())
    return false;
  image.apply(entry.command, index, static_cast<int64_t>(entry.term));
  return true;
}

void pass_to(metadata_image& image, const metadata_update& update) {
  if (static_cast<int64_t>(update.index) > image.applied_index())
    image.pass(
      static_cast<int64_t>(update.index), static_cast<int64_t>(update.term));
}

} // namespace millrace
