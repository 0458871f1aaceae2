#pragma once

// What the interposed calls of the recorder share: the record, and which
// descriptors are worth recording. Loaded into the server by LD_PRELOAD, so it
// uses nothing of Millrace and as little as possible of anything else.

#include "tests/preload/recorder_format.hpp"

#include <dlfcn.h>
#include <sys/uio.h>

#include <cstddef>
#include <initializer_list>
#include <string>

/// The next definition of a C function: the system's.
#define MILLRACE_NEXT(name)                                                    \
  static const auto next                                                       \
    = reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name))

namespace millrace::preload {

enum class descriptor_kind : uint8_t { other, file, socket };

/// What `descriptor` is, as far as it is recorded.
[[nodiscard]] descriptor_kind kind_of(int descriptor);
void set_kind(int descriptor, descriptor_kind kind);

/// `path`, relative to the directory `at`, made absolute; empty if it is not
/// below the recorded root.
[[nodiscard]] std::string recorded_path(int at, const char* path);

/// Appends an entry; `head`'s sizes are filled in. Ends the process if that
/// fails, as a record with a hole would prove nothing. Keeps errno.
void append(entry_head head, const std::string& path, const iovec* parts,
  size_t part_count);

/// One interposed call: records its beginning when made, and its end.
class recorded_call {
public:
  recorded_call(entry_head head, const std::string& path = {},
    const iovec* parts = nullptr, size_t part_count = 0);
  recorded_call(const recorded_call&) = delete;
  recorded_call& operator=(const recorded_call&) = delete;

  /// Records that the call has returned `result`, and returns it.
  template <class Integer>
  Integer end(Integer result, const void* data = nullptr, size_t size = 0) {
    end_with(static_cast<int64_t>(result), data, size);
    return result;
  }

private:
  void end_with(int64_t result, const void* data, size_t size);

  entry_head head_;
};

} // namespace millrace::preload
