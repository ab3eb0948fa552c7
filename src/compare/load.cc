#include "compare/load.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "compare/statistics.h"
#include "kernel/file/file.h"
#include "kernel/process/child.h"
#include "kernel/socket/connect.h"

namespace proa::compare {
namespace {

constexpr int kRequests = 200;
constexpr int kRoundTrips = 200;
constexpr auto kStreamTime = std::chrono::milliseconds(300);
constexpr auto kPatience = std::chrono::seconds(20);

Result<Fd> connect_to(const std::string& address, std::uint16_t port) {
  Fd socket = TRY(socket::connect_tcp(address, port));
  const timeval limit{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return socket;
}

// One HTTP request, its answer read to the end.
Result<void> ask_once(const std::string& address, std::uint16_t port) {
  const Fd socket = TRY(connect_to(address, port));
  constexpr std::string_view kAsk = "GET / HTTP/1.0\r\nHost: compare\r\n\r\n";
  TRY(socket::send_all(socket, kAsk));
  TRY(file::read_all(socket));
  return {};
}

Result<void> run_command(const std::string& command, const std::string& address,
                         std::uint16_t port) {
  process::Spawn shell;
  shell.program = "/bin/sh";
  shell.arguments = {"sh", "-c", command};
  std::vector<std::string> environment = {cat("PROA_ADDRESS=", address), cat("PROA_PORT=", port)};
  for (char** entry = ::environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  shell.environment = std::move(environment);
  shell.standard_output = FdRef(2);
  process::Child child = TRY(process::Child::spawn(shell));
  const process::End end = TRY(child.wait());
  if (const int code = process::shell_code(end); code != 0) {
    return fail(ErrorKind::unavailable, "the load ended with ", code);
  }
  return {};
}

Result<double> stream_speed(const std::string& address, std::uint16_t port) {
  const Fd socket = TRY(connect_to(address, port));
  TRY(socket::send_all(socket, "T"));
  std::vector<std::byte> buffer(std::size_t{256} << 10);
  std::uint64_t bytes = 0;
  const Clock::time_point begin = Clock::now();
  while (Clock::now() - begin < kStreamTime) {
    const std::size_t got = TRY(file::read_some(socket, buffer));
    if (got == 0) return fail(ErrorKind::unavailable, "the stream ended");
    bytes += got;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return static_cast<double>(bytes) / 1e6 / seconds;
}

Result<double> round_trip(const std::string& address, std::uint16_t port) {
  const Fd socket = TRY(connect_to(address, port));
  TRY(socket::send_all(socket, "E"));
  std::vector<double> times;
  std::array<std::byte, 1> byte{};
  for (int turn = 0; turn < kRoundTrips; ++turn) {
    const Clock::time_point begin = Clock::now();
    TRY(socket::send_all(socket, "x"));
    const std::size_t got = TRY(file::read_some(socket, byte));
    if (got == 0) return fail(ErrorKind::unavailable, "the echo ended");
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  return median(times);
}

}  // namespace

Result<void> put_load(const std::string& command, const std::string& address, std::uint16_t port) {
  if (!command.empty()) return run_command(command, address, port);
  for (int request = 0; request < kRequests; ++request) TRY(ask_once(address, port));
  return {};
}

Result<NetworkSpeed> network_speed(Subject& subject, const std::string& probe,
                                   const std::string& address, std::uint16_t port) {
  TRY(subject.run_detached({probe, "serve", cat(port)}));
  const Clock::time_point deadline = Clock::now() + kPatience;
  NetworkSpeed speed;
  while (true) {
    const Result<double> trip = round_trip(address, port);
    if (trip.ok()) {
      speed.round_trip = trip.value();
      break;
    }
    if (Clock::now() > deadline) return trip.error();
    // The probe is about to listen.
    ::poll(nullptr, 0, 2);
  }
  speed.megabytes_per_second = TRY(stream_speed(address, port));
  return speed;
}

Result<Isolation> parse_isolation(const std::string& text) {
  const json::Value told = TRY(json::parse(text, "proa-probe"));
  const json::Reader reader(told, "proa-probe");
  const auto at = [&](std::string_view key) { return reader.at(key); };
  Isolation isolation;
  const json::Reader kernel = TRY(at("kernel"));
  isolation.kernel = TRY(kernel.string());
  const json::Reader calls = TRY(at("system_calls"));
  isolation.system_calls = TRY(calls.integer<unsigned>());
  const json::Reader capabilities = TRY(at("capabilities"));
  isolation.capabilities = TRY(capabilities.integer<unsigned>());
  const json::Reader root = TRY(at("host_root"));
  isolation.host_root = TRY(root.boolean());
  const json::Reader spaces = TRY(at("namespaces"));
  const auto members = TRY(spaces.members());
  const Fd ours = TRY(file::open("/proc/self/ns", O_RDONLY | O_DIRECTORY));
  for (const auto& [kind, inside] : members) {
    const std::string target = TRY(inside.string());
    const Result<std::string> here = file::read_link_at(ours, std::string(kind));
    if (!here.ok() || here.value() != target) isolation.namespaces.emplace_back(kind);
  }
  return isolation;
}

}  // namespace proa::compare
