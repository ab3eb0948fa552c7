// A controller of proa-vmm for tests, and the host's end of its ports.
//
//   vmm_control request SOCKET pause|resume|stats|kill|balloon [BYTES]
//   vmm_control snapshot SOCKET STATE MEMORY
//   vmm_control echo|keep SOCKET     listens; sends back, or prints, what one peer says
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>
#include <span>
#include <string>

#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"
#include "vmm/control/messages.h"
#include "wire/codec.h"
#include "wire/messages.h"

namespace proa {
namespace {

using vmm::control::Message;

struct Place {
  Fd directory;
  std::string name;
};

Result<Place> place_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Fd directory = TRY(file::open(folder, O_PATH | O_DIRECTORY));
  return Place{std::move(directory), path.substr(slash == std::string::npos ? 0 : slash + 1)};
}

void wait_for(FdRef fd) {
  pollfd waiting = {.fd = fd.get(), .events = POLLIN, .revents = 0};
  ::poll(&waiting, 1, -1);
}

Result<wire::Frame> call(const std::string& path, Message message, std::string body,
                         std::span<const int> descriptors) {
  const Place place = TRY(place_of(path));
  const Fd socket = TRY(socket::connect_at(place.directory, place.name));
  const wire::Frame request{.type = vmm::control::type(message),
                            .descriptors = static_cast<std::uint16_t>(descriptors.size()),
                            .call = 1,
                            .body = std::move(body)};
  TRY(socket::send(socket, wire::print(request), descriptors));
  wire::FrameReader reader;
  for (;;) {
    std::array<std::byte, 4096> buffer;
    wait_for(socket);
    const socket::Received received = TRY(socket::receive(socket, buffer));
    reader.feed(text_of(ByteSpan(buffer).first(received.bytes)));
    while (auto frame = TRY(reader.next())) {
      if (frame->call == 1) return std::move(*frame);
    }
    if (received.end) return fail(ErrorKind::unavailable, "the monitor has gone");
  }
}

Result<void> show(const wire::Frame& answer) {
  if (answer.type == wire::MessageType::failed) {
    const auto failed = TRY(wire::decode<wire::Failed>(answer.body));
    return fail(failed.kind, failed.text);
  }
  if (answer.type != vmm::control::type(Message::stats_answer)) return {};
  const auto stats = TRY(wire::decode<vmm::control::StatsAnswer>(answer.body));
  std::printf("resident %llu balloon %llu exits %llu\n",
              static_cast<unsigned long long>(stats.resident_memory),
              static_cast<unsigned long long>(stats.balloon),
              static_cast<unsigned long long>(stats.port_in + stats.port_out + stats.mmio_read +
                                              stats.mmio_write));
  return {};
}

Result<void> request(std::span<char* const> words) {
  static const std::map<std::string, Message> kKnown = {{"pause", Message::pause},
                                                        {"resume", Message::resume},
                                                        {"stats", Message::stats},
                                                        {"kill", Message::kill},
                                                        {"balloon", Message::balloon}};
  const auto known = kKnown.find(words[1]);
  if (known == kKnown.end()) return fail(ErrorKind::invalid_argument, "which request?");
  std::string body;
  if (known->second == Message::balloon) {
    const auto bytes = TRY(parse_number<std::uint64_t>(words[2]));
    body = wire::encode(vmm::control::BalloonTarget{.bytes = bytes});
  }
  const wire::Frame answer = TRY(call(words[0], known->second, std::move(body), {}));
  return show(answer);
}

Result<void> snapshot(std::span<char* const> words) {
  const Fd state = TRY(file::open(words[1], O_RDWR | O_CREAT | O_TRUNC, 0600));
  const Fd memory = TRY(file::open(words[2], O_RDWR | O_CREAT | O_TRUNC, 0600));
  const std::array descriptors = {state.get(), memory.get()};
  const wire::Frame answer = TRY(call(words[0], Message::snapshot, {}, descriptors));
  return show(answer);
}

Result<void> serve_port(const std::string& path, bool echo) {
  const Place place = TRY(place_of(path));
  const Fd listener = TRY(socket::listen_at(place.directory, place.name, 0600));
  wait_for(listener);
  const Fd peer = TRY(socket::accept(listener));
  TRY(socket::set_blocking(peer, socket::Blocking::yes));
  std::array<std::byte, 65536> buffer;
  for (;;) {
    const std::size_t count = TRY(file::read_some(peer, buffer));
    if (count == 0) return {};
    TRY(file::write_all(echo ? FdRef(peer) : FdRef(STDOUT_FILENO), ByteSpan(buffer).first(count)));
  }
}

Result<void> run(std::span<char* const> words) {
  const std::string what = words.empty() ? "" : words[0];
  if (what == "request" && words.size() >= 3) return request(words.subspan(1));
  if (what == "snapshot" && words.size() == 4) return snapshot(words.subspan(1));
  if (what == "echo" && words.size() == 2) return serve_port(words[1], true);
  if (what == "keep" && words.size() == 2) return serve_port(words[1], false);
  return fail(ErrorKind::invalid_argument, "which of request, snapshot, echo, keep?");
}

}  // namespace
}  // namespace proa

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto done = proa::run({argv + 1, static_cast<std::size_t>(argc - 1)});
  if (done.ok()) return 0;
  std::fprintf(stderr, "vmm_control: %s\n", done.error().message().c_str());
  return 1;
}
