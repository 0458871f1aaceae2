#pragma once

// How a coordinator reads the log of its partition from the beginning, before
// it serves anybody.

#include "actors/messages.hpp"
#include "schema/result.hpp"
#include "storage/record_reader.hpp"

#include <functional>

namespace millrace {

/// Where a replay stands; the coordinator asks with ask_bytes{next()}.
class coordinator_replay {
public:
  enum class step : uint8_t {
    more,  ///< ask again at once
    later, ///< ask again in a while: the log is not committed to its end (R20)
    done,
  };

  [[nodiscard]] offset next() const {
    return next_;
  }
  /// Applies what came. Errors: what the log, a batch or `apply` says.
  /// @param apply a record with a key
  [[nodiscard]] result<step> take(const log_answer& answer,
    const std::function<result<void>(const record_view&)>& apply);

private:
  offset next_{0};
};

} // namespace millrace
