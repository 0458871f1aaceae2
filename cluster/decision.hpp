#pragma once

#include <vector>

namespace millrace {

/// Records to make durable, and the reply to send once they are committed;
/// at once when there are none.
template <class Reply, class Record>
struct decision {
  Reply reply;
  std::vector<Record> records;
};

} // namespace millrace
