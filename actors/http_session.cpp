#include "actors/http_session.hpp"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace millrace {

namespace {

namespace http = boost::beast::http;
using parser = http::request_parser<http::string_body>;
using error_code = boost::system::error_code;

/// How much room a read is given.
constexpr size_t read_bytes = 4096;

bool same_name(std::string_view a, std::string_view b) {
  auto same_letter = [](char x, char y) {
    auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
    };
    return lower(x) == lower(y);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_letter);
}

http_request request_of(parser& parsed) {
  auto& message = parsed.get();
  http_request request;
  request.method = std::string{message.method_string()};
  auto target = std::string{message.target()};
  auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos)
    request.query = target.substr(question + 1);
  for (const auto& field : message)
    request.headers.emplace_back(field.name_string(), field.value());
  request.body = std::move(message.body());
  return request;
}

int status_of(const error_code& code) {
  if (code == http::error::header_limit)
    return 431;
  if (code == http::error::body_limit || code == http::error::buffer_overflow)
    return 413;
  return 400;
}

std::string sentence_of(const error_code& code, const http_limits& limits) {
  switch (status_of(code)) {
  case 431:
    return "The headers are larger than "
           + std::to_string(limits.header_bytes_max) + " bytes.\n";
  case 413:
    return "The body is larger than " + std::to_string(limits.body_bytes_max)
           + " bytes.\n";
  default:
    return "This is no HTTP/1.1 request: " + code.message() + ".\n";
  }
}

} // namespace

std::string_view http_request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (same_name(key, name))
      return value;
  return {};
}

class http_session::impl : public std::enable_shared_from_this<impl> {
public:
  impl(connection& at, http_handler handler, http_limits limits)
      : at_(&at), handler_(std::move(handler)), limits_(limits) {}

  std::span<std::byte> prepare() {
    filled_ = buffer_.size();
    buffer_.resize(filled_ + read_bytes);
    return std::as_writable_bytes(std::span{buffer_}.subspan(filled_));
  }

  void take(size_t size) {
    buffer_.resize(filled_ + size);
    work();
    if (buffer_.empty())
      buffer_.shrink_to_fit();
  }

  // Whether an answer is still to come.
  bool end_input() {
    input_ended_ = true;
    return working_on_ != 0;
  }

  void forget() {
    at_ = nullptr;
  }

  void check_time(int64_t now_ms) {
    if (at_ == nullptr || finishing_ || working_on_ != 0)
      return;
    auto under_way = !buffer_.empty() || parser_.has_value();
    auto state = under_way ? waits_for::request : waits_for::client;
    if (state != state_ || requests_ != requests_then_ || state_since_ms_ < 0) {
      state_ = state;
      requests_then_ = requests_;
      state_since_ms_ = now_ms;
      return;
    }
    auto waited = now_ms - state_since_ms_;
    if (under_way && waited > limits_.request_ms_max)
      refuse(408, "The request did not arrive in time.\n");
    else if (!under_way && waited > limits_.idle_ms_max)
      finish();
  }

private:
  enum class waits_for { client, request };

  // Parses and hands on, until bytes or an answer are missing.
  void work() {
    if (std::exchange(inside_, true))
      return;
    while (at_ != nullptr && !finishing_ && working_on_ == 0 && !buffer_.empty()
           && parse())
      ;
    inside_ = false;
  }

  // Returns whether it came any further.
  bool parse() {
    if (!parser_) {
      parser_.emplace();
      parser_->eager(true);
      parser_->header_limit(
        static_cast<std::uint32_t>(limits_.header_bytes_max));
      parser_->body_limit(limits_.body_bytes_max);
    }
    error_code code;
    auto used = parser_->put(
      boost::asio::const_buffer{buffer_.data(), buffer_.size()}, code);
    buffer_.erase(0, used);
    if (code == http::error::need_more) {
      continue_if_asked();
      return false;
    }
    if (code) {
      refuse(status_of(code), sentence_of(code, limits_));
      return false;
    }
    if (!parser_->is_done()) {
      continue_if_asked();
      return used > 0;
    }
    hand_on();
    return true;
  }

  // A client may wait with a large body for a word of encouragement.
  void continue_if_asked() {
    if (continued_ || !parser_->is_header_done())
      return;
    auto expected = parser_->get().find(http::field::expect);
    if (expected == parser_->get().end())
      return;
    continued_ = true;
    at_->send({"HTTP/1.1 100 Continue\r\n\r\n", {}});
  }

  void hand_on() {
    auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    old_version_ = message.version() < 11;
    is_head_ = message.method() == http::verb::head;
    auto hosts = message.count(http::field::host);
    if (hosts > 1 || (!old_version_ && hosts == 0)) {
      refuse(400, "A request of HTTP/1.1 has one Host header.\n");
      return;
    }
    auto request = request_of(*parser_);
    parser_.reset();
    continued_ = false;
    working_on_ = ++requests_;
    at_->pause_reading();
    auto respond
      = [self = weak_from_this(), number = working_on_](http_response answer) {
          if (auto alive = self.lock(); alive != nullptr)
            alive->answer(number, std::move(answer));
        };
    handler_(std::move(request), std::move(respond));
  }

  void answer(uint64_t number, http_response answer) {
    if (at_ == nullptr || number != working_on_)
      return;
    working_on_ = 0;
    write(answer);
    if (!keep_alive_ || input_ended_) {
      finish();
      return;
    }
    at_->resume_reading();
    work();
  }

  void refuse(int status, std::string sentence) {
    keep_alive_ = false;
    is_head_ = false;
    write({status, "text/plain; charset=utf-8", std::move(sentence), {}});
    finish();
  }

  void finish() {
    finishing_ = true;
    parser_.reset();
    buffer_.clear();
    at_->close_after_flush();
  }

  void write(const http_response& answer) {
    outgoing out;
    auto& text = out.bytes;
    text.reserve(256 + answer.body.size());
    text = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    text += std::string{http::obsolete_reason(
      http::int_to_status(static_cast<unsigned>(answer.status)))};
    text += "\r\nContent-Type: " + answer.content_type;
    text += "\r\nContent-Length: " + std::to_string(answer.body.size());
    for (const auto& [name, value] : answer.headers)
      text += "\r\n" + name + ": " + value;
    if (!keep_alive_ || input_ended_)
      text += "\r\nConnection: close";
    else if (old_version_)
      text += "\r\nConnection: keep-alive";
    text += "\r\n\r\n";
    if (!is_head_)
      text += answer.body;
    at_->send(std::move(out));
  }

  connection* at_;
  http_handler handler_;
  http_limits limits_;
  std::string buffer_;
  size_t filled_ = 0;
  std::optional<parser> parser_;
  uint64_t requests_ = 0;
  // The number of the request whose answer is awaited, or 0.
  uint64_t working_on_ = 0;
  bool inside_ = false;
  bool keep_alive_ = true;
  bool old_version_ = false;
  bool is_head_ = false;
  bool continued_ = false;
  bool input_ended_ = false;
  bool finishing_ = false;
  waits_for state_ = waits_for::client;
  uint64_t requests_then_ = 0;
  int64_t state_since_ms_ = -1;
};

http_session::http_session(
  connection& at, http_handler handler, http_limits limits)
    : impl_(std::make_shared<impl>(at, std::move(handler), limits)) {}

http_session::~http_session() {
  impl_->forget();
}

std::span<std::byte> http_session::prepare_read() {
  return impl_->prepare();
}

void http_session::on_read(size_t size) {
  impl_->take(size);
}

void http_session::on_sent(size_t) {
  // An answer is in memory whole, and the next request waits for it.
}

bool http_session::on_end_of_input() {
  return impl_->end_input();
}

void http_session::on_closed(std::string_view) {
  impl_->forget();
}

void http_session::check_time(int64_t now_ms) {
  impl_->check_time(now_ms);
}

accept_function serve_http(http_handler handler, http_limits limits) {
  return [=](connection& at) {
    return std::make_unique<http_session>(at, handler, limits);
  };
}

} // namespace millrace
