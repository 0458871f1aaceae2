#include "cluster/group_names.hpp"

#include <algorithm>

namespace millrace {

bool is_group_id(std::string_view id) {
  return !id.empty() && id.size() <= record_string_max;
}

bool is_blank(const std::optional<std::string>& text) {
  return text && std::ranges::all_of(*text, [](unsigned char c) {
    return c <= ' ';
  });
}

bool fits_records(const kafka::join_group_request& request) {
  const auto fits = [](std::string_view text) {
    return text.size() <= record_string_max;
  };
  return fits(request.protocol_type)
         && fits(request.group_instance_id.value_or(""))
         && std::ranges::all_of(request.protocols, [&](const auto& p) {
              return fits(p.name);
            });
}

} // namespace millrace
