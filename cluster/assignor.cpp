#include "cluster/assignor.hpp"

namespace millrace {

assign_function find_assignor(std::string_view name) {
  if (name == "uniform")
    return assign_uniform;
  if (name == "range")
    return assign_range;
  return nullptr;
}

} // namespace millrace
