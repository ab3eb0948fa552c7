#include "api/docker/streams.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <thread>

namespace proa::api::docker {

std::string_view stream_type(bool terminal, int version) {
  return !terminal && version >= 42 ? "application/vnd.docker.multiplexed-stream"
                                    : "application/vnd.docker.raw-stream";
}

std::string frame(StreamKind kind, std::string_view text) {
  struct Head {
    std::uint8_t kind;
    std::uint8_t zeros[3] = {};
    Be32 size;
  };
  static_assert(sizeof(Head) == 8);
  const Head head{.kind = static_cast<std::uint8_t>(kind),
                  .size = static_cast<std::uint32_t>(text.size())};
  return cat(text_of(bytes_of(head)), text);
}

Result<std::string> parse_detach_keys(std::string_view text) {
  if (text.empty()) return std::string("\x10\x11");
  std::string keys;
  for (const std::string_view part : split(text, ',')) {
    constexpr std::string_view kOthers = "@[\\]^_";
    const std::string_view letter = part.starts_with("ctrl-") ? part.substr(5) : "";
    if (part.size() == 1) {
      keys.push_back(part.front());
    } else if (letter.size() == 1 && letter.front() >= 'a' && letter.front() <= 'z') {
      keys.push_back(static_cast<char>(letter.front() - 'a' + 1));
    } else if (letter.size() == 1 && kOthers.find(letter.front()) != std::string_view::npos) {
      keys.push_back(static_cast<char>(letter.front() - '@'));
    } else {
      return fail(ErrorKind::invalid_argument, "Invalid escape keys (", printable(text),
                  ") provided");
    }
  }
  return keys;
}

Result<void> drop_body(Request& request) {
  if (!request.head().headers.find("Content-Length")) return {};
  TRY(request.connection().read_text());
  return {};
}

void wait_until_read(FdRef connection) {
  constexpr int kLooks = 200;
  constexpr std::chrono::microseconds kPace{100};
  for (int look = 0; look < kLooks; ++look) {
    // On a unix socket: what its peer has not read yet.
    int unread = 0;
    if (::ioctl(connection.get(), SIOCOUTQ, &unread) != 0 || unread == 0) return;
    std::this_thread::sleep_for(kPace);
  }
}

Result<wire::WindowSize> window_size(const Request& request) {
  const auto rows = TRY(request.number<std::uint16_t>("h"));
  const auto columns = TRY(request.number<std::uint16_t>("w"));
  if (!rows || !columns) {
    return fail(ErrorKind::invalid_argument, "query parameter '", rows ? "w" : "h",
                "': is not a number");
  }
  return wire::WindowSize{.columns = *columns, .rows = *rows};
}

}  // namespace proa::api::docker
