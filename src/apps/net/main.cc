// proa-net: names for all networks, and published ports for clients on loopback. Started by proad
// as
//   proa-net DIRECTORY
// with descriptor 3 its datagram socket, 4 its listening socket and 5 the reading end of
// DIRECTORY/alive, whose last closing tells of its end. It reads DIRECTORY/records, outlives proad,
// and keeps no right but that to bind ports below 1024.
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>

#include "io/loop.h"
#include "kernel/file/directory_watch.h"
#include "kernel/file/file.h"
#include "kernel/process/confine.h"
#include "kernel/process/credentials.h"
#include "network/dns/name_server.h"
#include "network/ports/loopback_proxy.h"
#include "wire/codec.h"

namespace {

using namespace proa;

constexpr int kDatagrams = 3;
constexpr int kConnections = 4;
constexpr int kAlive = 5;
constexpr uid_t kNobody = 65534;

void tell(std::string_view message) {
  const std::string line = cat("proa-net: ", message, "\n");
  std::fputs(line.c_str(), stderr);
}

Result<void> drop_rights() {
  constexpr std::uint64_t kKept = std::uint64_t{1} << CAP_NET_BIND_SERVICE;
  const int last = TRY(process::last_capability());
  TRY(process::limit_bounding_set(kKept, last));
  TRY(process::keep_capabilities());
  TRY(process::set_groups({}));
  TRY(process::set_gid(kNobody));
  TRY(process::set_uid(kNobody));
  TRY(process::set_capabilities({.effective = kKept, .permitted = kKept, .inheritable = 0}));
  TRY(process::set_no_new_privileges());
  return process::set_dumpable(process::Dumpable::no);
}

// The records as they were read last, and whether there are newer ones.
class RecordsFile {
 public:
  explicit RecordsFile(Fd directory) : directory_(std::move(directory)) {}

  // Nothing where they are the same as before.
  Result<std::optional<network::Records>> read_new() {
    const Result<struct stat> found = file::stat_at(directory_, "records");
    if (!found.ok()) return std::optional<network::Records>();
    const struct stat& now = found.value();
    if (now.st_ino == last_.st_ino && now.st_mtim.tv_nsec == last_.st_mtim.tv_nsec &&
        now.st_mtim.tv_sec == last_.st_mtim.tv_sec) {
      return std::optional<network::Records>();
    }
    last_ = now;
    const std::string content = TRY(file::read_file_at(directory_, "records"));
    return std::optional(TRY(wire::decode<network::Records>(content)));
  }

 private:
  Fd directory_;
  struct stat last_ = {};
};

Result<void> serve(const char* path) {
  Fd datagrams(kDatagrams), connections(kConnections);
  const Fd alive(kAlive);
  const auto loop = TRY(io::Loop::create());
  const auto watch = TRY(file::DirectoryWatch::open(path));
  Fd directory = TRY(file::open(path, O_RDONLY | O_DIRECTORY));
  TRY(file::replace_file(directory, "pid", cat(::getpid(), "\n"), 0644, file::Durable::no));
  RecordsFile records(std::move(directory));
  TRY(drop_rights(), "giving up rights");

  network::LoopbackProxy proxy(*loop);
  std::unique_ptr<network::NameServer> names;
  const auto refresh = [&] {
    auto fresh = records.read_new();
    if (!fresh.ok()) return tell(fresh.error().message());
    if (!fresh.value()) return;
    if (fresh.value()->stop) return loop->stop();
    for (const std::string& fault : proxy.serve(fresh.value()->ports)) tell(fault);
    names->set_directory(network::Directory(std::move(*fresh.value())));
    ::malloc_trim(0);
  };
  const auto host_servers = [] {
    const Result<std::string> text = file::read_file("/etc/resolv.conf", 64 << 10);
    return text.ok() ? network::servers_of(text.value()) : std::vector<socket::InternetAddress>();
  };
  names = TRY(network::NameServer::open(*loop, std::move(datagrams), std::move(connections),
                                        {refresh, host_servers}));
  TRY(loop->watch(watch.fd(), {.readable = true}, [&](event::Readiness) {
    watch.drain();
    refresh();
  }));
  refresh();
  return loop->run();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: proa-net DIRECTORY (started by proad)\n", stderr);
    return 2;
  }
  // A session of its own: a terminal's Ctrl-C at proad is not the name server's.
  ::setsid();
  process::ignore_broken_pipes();
  ::mallopt(M_ARENA_MAX, 1);
  const Result<void> served = serve(arguments[1]);
  if (served.ok()) return 0;
  tell(served.error().message());
  return 1;
}
