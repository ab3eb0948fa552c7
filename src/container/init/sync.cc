#include "container/init/sync.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "container/init/launcher.h"

namespace proa::container {
namespace {

constexpr std::uint32_t kMaxText = 1 << 20;

struct Header {
  std::uint8_t type;
  std::uint8_t kind;
  std::uint16_t errno_code;
  std::uint32_t size;
};
static_assert(sizeof(Header) == 8);

constexpr std::array<std::string_view, 8> kNames = {"cloned", "mapped", "mounted", "proceed",
                                                    "ready",  "start",  "warning", "failed"};

Result<void> send(FdRef end, Header header, std::string_view text) {
  text = text.substr(0, kMaxText);
  header.size = static_cast<std::uint32_t>(text.size());
  std::string message(text_of(bytes_of(header)));
  message += text;
  std::string_view rest = message;
  while (!rest.empty()) {
    const ssize_t count = ::send(end.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("sending '", kNames[header.type], "'");
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

// Gives how much came before the end.
Result<std::size_t> receive(FdRef end, char* buffer, std::size_t size) {
  std::size_t have = 0;
  while (have < size) {
    const ssize_t count = ::read(end.get(), buffer + have, size - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == ECONNRESET) break;
    if (count < 0) return fail_errno("receiving from the container's first process");
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  return have;
}

}  // namespace

Result<void> send_sync(FdRef end, Sync type, std::string_view text) {
  return send(end, Header{static_cast<std::uint8_t>(type), 0, 0, 0}, text);
}

Result<void> send_failure(FdRef end, const Error& error) {
  const Header header = {static_cast<std::uint8_t>(Sync::failed),
                         static_cast<std::uint8_t>(error.kind()),
                         static_cast<std::uint16_t>(error.errno_code()), 0};
  return send(end, header, error.message());
}

Result<std::optional<SyncMessage>> receive_sync(FdRef end) {
  std::array<char, sizeof(Header)> bytes = {};
  const std::size_t have = TRY(receive(end, bytes.data(), bytes.size()));
  if (have == 0) return std::optional<SyncMessage>();
  if (have == sizeof(std::int32_t)) {
    std::int32_t errno_code = 0;
    std::memcpy(&errno_code, bytes.data(), sizeof errno_code);
    return std::optional(SyncMessage{Sync::failed, "", why_not_executed(errno_code, "exec")});
  }
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (have != sizeof header || header.type > static_cast<std::uint8_t>(Sync::failed) ||
      header.kind > static_cast<std::uint8_t>(ErrorKind::internal) || header.size > kMaxText) {
    return fail(ErrorKind::corrupt, "the container's first process sent something unknown");
  }
  SyncMessage message{static_cast<Sync>(header.type), std::string(header.size, '\0'), {}};
  const std::size_t size = TRY(receive(end, message.text.data(), message.text.size()));
  if (size != header.size) return fail(ErrorKind::corrupt, "a message ended early");
  if (message.type == Sync::failed) {
    message.error = Error(static_cast<ErrorKind>(header.kind), message.text);
  }
  return std::optional(std::move(message));
}

Result<std::string> expect_sync(FdRef end, Sync type, std::vector<std::string>& warnings) {
  while (true) {
    std::optional<SyncMessage> message = TRY(receive_sync(end));
    if (!message) {
      return fail(ErrorKind::unavailable, "the container's first process ended before '",
                  kNames[static_cast<std::size_t>(type)], "'");
    }
    if (message->error) return std::move(*message->error);
    if (message->type == type) return std::move(message->text);
    if (message->type != Sync::warning) {
      return fail(ErrorKind::corrupt, "expected '", kNames[static_cast<std::size_t>(type)],
                  "', got '", kNames[static_cast<std::size_t>(message->type)], "'");
    }
    warnings.push_back(std::move(message->text));
  }
}

Result<void> wait_for_program(FdRef end, std::vector<std::string>& warnings) {
  while (true) {
    std::optional<SyncMessage> message = TRY(receive_sync(end));
    if (!message) return {};
    if (message->error) return std::move(*message->error);
    if (message->type != Sync::warning) {
      return fail(ErrorKind::corrupt, "expected the program's start, got '",
                  kNames[static_cast<std::size_t>(message->type)], "'");
    }
    warnings.push_back(std::move(message->text));
  }
}

}  // namespace proa::container
