// The two ends of a measured network:
//   bench_reach serve PORT                 sends back what arrives, over TCP
//   bench_reach ask ADDRESS PORT COUNT     prints the median of that many round trips, in us
//   bench_reach names SERVER NAME COUNT    prints look-ups a second, one after the other
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMessage = 64;  // bytes of a round trip
constexpr int kWarmUp = 200;

// Ends the program where a step failed: half a measurement would be none.
void need(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "bench_reach: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in place(const char* address, int port) {
  sockaddr_in place = {};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(port));
  need(inet_pton(AF_INET, address, &place.sin_addr) == 1, address);
  return place;
}

int make_socket(int type) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  need(fd >= 0, "socket");
  const int on = 1;
  if (type == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

bool pass_on(int fd) {
  char message[kMessage];
  const ssize_t count = read(fd, message, sizeof message);
  return count > 0 && write(fd, message, static_cast<std::size_t>(count)) == count;
}

void serve(int port) {
  const int listener = make_socket(SOCK_STREAM);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in here = place("0.0.0.0", port);
  need(bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0, "bind");
  need(listen(listener, 8) == 0, "listen");
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    need(fd >= 0, "accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (pass_on(fd)) {
    }
    close(fd);
  }
}

void round_trip(int fd) {
  char message[kMessage] = {};
  need(write(fd, message, sizeof message) == kMessage, "write");
  for (std::size_t got = 0; got < sizeof message;) {
    const ssize_t count = read(fd, message, sizeof message);
    need(count > 0, "read");
    got += static_cast<std::size_t>(count);
  }
}

void ask(const char* address, int port, int count) {
  const int fd = make_socket(SOCK_STREAM);
  const sockaddr_in there = place(address, port);
  need(connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0, "connect");
  for (int index = 0; index < kWarmUp; ++index) round_trip(fd);
  std::vector<double> times;
  for (int index = 0; index < count; ++index) {
    const auto begin = Clock::now();
    round_trip(fd);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  std::printf("%.2f\n", times[times.size() / 2]);
}

// A query of type A with one question.
std::string query_for(const std::string& name) {
  std::string query("\x12\x34\x01\0\0\1\0\0\0\0\0\0", 12);
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    query += static_cast<char>(dot - at);
    query += name.substr(at, dot - at);
    at = dot + 1;
  }
  return query + std::string("\0\0\1\0\1", 5);
}

void names(const char* server, const char* name, int count) {
  const int fd = make_socket(SOCK_DGRAM);
  const sockaddr_in there = place(server, 53);
  need(connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0, "connect");
  const timeval patience{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string query = query_for(name);
  char answer[512];
  auto begin = Clock::now();
  for (int index = -kWarmUp; index < count; ++index) {
    if (index == 0) begin = Clock::now();
    need(write(fd, query.data(), query.size()) > 0, "asking");
    const ssize_t size = read(fd, answer, sizeof answer);
    need(size > 12, "no answer");
    const bool found = (answer[3] & 0x0f) == 0 && answer[7] != 0;
    if (!found) {
      std::fprintf(stderr, "bench_reach: the server does not know %s\n", name);
      std::exit(1);
    }
  }
  std::printf("%.0f\n", count / std::chrono::duration<double>(Clock::now() - begin).count());
}

}  // namespace

int main(int count, char** arguments) {
  const std::string verb = count > 1 ? arguments[1] : "";
  if (verb == "serve" && count == 3) {
    serve(std::atoi(arguments[2]));
  } else if (verb == "ask" && count == 5) {
    ask(arguments[2], std::atoi(arguments[3]), std::atoi(arguments[4]));
  } else if (verb == "names" && count == 5) {
    names(arguments[2], arguments[3], std::atoi(arguments[4]));
  } else {
    std::fputs("usage: bench_reach serve PORT | ask ADDRESS PORT COUNT | names SERVER NAME COUNT\n",
               stderr);
    return 2;
  }
  return 0;
}
