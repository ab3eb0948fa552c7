#include "client/http/response_parser.h"

#include <algorithm>

#include "base/number.h"
#include "base/text.h"

namespace proa::client {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kMaxLine = 4096;
constexpr std::size_t kMaxTrailer = 16 * 1024;

template <typename... Pieces>
Error corrupt(const Pieces&... pieces) {
  return fail(ErrorKind::corrupt, "the engine's answer is no HTTP: ", pieces...);
}

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// "HTTP/1.1 200 OK": the minor version and the status.
Result<std::pair<int, int>> parse_status_line(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  if (!line.starts_with(kVersion) || line.size() < 12 || line[8] != ' ') {
    return corrupt("status line '", printable(line, 80), "'");
  }
  const auto minor = parse_number<unsigned>(line.substr(7, 1));
  const auto status = parse_number<unsigned>(line.substr(9, 3));
  const bool ends = line.size() == 12 || line[12] == ' ';
  if (!minor.ok() || !status.ok() || status.value() < 100 || !ends) {
    return corrupt("status line '", printable(line, 80), "'");
  }
  return std::pair(static_cast<int>(minor.value()), static_cast<int>(status.value()));
}

}  // namespace

Result<std::size_t> ResponseParser::feed_head(std::string_view bytes) {
  std::size_t taken = 0;
  while (state_ == State::head && taken < bytes.size()) {
    const std::size_t line_end = bytes.find('\n', taken);
    const std::size_t end = line_end == std::string_view::npos ? bytes.size() : line_end + 1;
    lines_.append(bytes.substr(taken, end - taken));
    taken = end;
    if (lines_.size() > kMaxHead) return corrupt("its head has more than 64 KiB");
    if (lines_.ends_with("\n\r\n") || lines_.ends_with("\n\n")) TRY(read_head(lines_));
  }
  return taken;
}

Result<void> ResponseParser::read_head(std::string_view lines) {
  head_ = {};
  const auto [first, rest] = split_once(lines, '\n');
  const auto [version, status] = TRY(parse_status_line(without_return(first)));
  head_.status = status;
  for (const std::string_view raw : split(rest, '\n')) {
    const std::string_view line = without_return(raw);
    if (line.empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
      return corrupt("header field '", printable(line, 80), "'");
    }
    head_.headers.add(std::string(line.substr(0, colon)),
                      std::string(trim(line.substr(colon + 1))));
  }
  lines_.clear();
  if (head_.status < 200 && head_.status != 101) return {};  // the real one follows
  return frame_body(version);
}

Result<void> ResponseParser::frame_body(int version) {
  const http::Headers& headers = head_.headers;
  keep_alive_ = version >= 1 && !headers.has_token("Connection", "close");
  if (has_body_ == HasBody::no || head_.status == 101 || head_.status == 204 ||
      head_.status == 304) {
    state_ = State::done;
    return {};
  }
  if (headers.has_token("Transfer-Encoding", "chunked")) {
    state_ = State::chunk_size;
    return {};
  }
  if (const auto length = headers.find("Content-Length")) {
    const auto count = parse_number<std::uint64_t>(*length);
    if (!count.ok()) return corrupt("Content-Length '", printable(*length, 80), "'");
    remaining_ = count.value();
    state_ = remaining_ == 0 ? State::done : State::counted;
    return {};
  }
  keep_alive_ = false;
  state_ = State::until_end;
  return {};
}

ResponseParser::Fed ResponseParser::feed_counted(std::string_view bytes, State next) {
  const std::size_t count =
      static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  remaining_ -= count;
  if (remaining_ == 0) state_ = next;
  return {count, bytes.substr(0, count)};
}

// Takes one whole line of a chunked body's framing.
Result<ResponseParser::Fed> ResponseParser::feed_line(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxLine) return corrupt("a line of a chunked body is too long");
    return Fed{};
  }
  const std::string_view line = without_return(bytes.substr(0, end));
  if (state_ == State::chunk_end) {
    if (!line.empty()) return corrupt("a chunk is longer than it says");
    state_ = State::chunk_size;
  } else if (state_ == State::trailer) {
    trailer_bytes_ += end;
    if (trailer_bytes_ > kMaxTrailer) return corrupt("its trailer is too long");
    if (line.empty()) state_ = State::done;
  } else {
    const auto size = parse_number<std::uint64_t>(trim(split_once(line, ';').first), 16);
    if (!size.ok()) return corrupt("chunk size '", printable(line, 80), "'");
    remaining_ = size.value();
    state_ = remaining_ == 0 ? State::trailer : State::chunk;
  }
  return Fed{end + 1, {}};
}

Result<ResponseParser::Fed> ResponseParser::feed_body(std::string_view bytes) {
  switch (state_) {
    case State::head:
    case State::done:
      return Fed{};
    case State::until_end:
      return Fed{bytes.size(), bytes};
    case State::counted:
      return feed_counted(bytes, State::done);
    case State::chunk:
      return feed_counted(bytes, State::chunk_end);
    case State::chunk_size:
    case State::chunk_end:
    case State::trailer:
      return feed_line(bytes);
  }
  return Fed{};
}

Result<void> ResponseParser::feed_end() {
  if (state_ == State::until_end) state_ = State::done;
  if (state_ == State::done) return {};
  return fail(ErrorKind::corrupt, "the engine closed the connection in the middle of its answer");
}

}  // namespace proa::client
