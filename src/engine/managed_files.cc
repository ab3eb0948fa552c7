#include "engine/managed_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::engine {
namespace {

constexpr const char* kHostResolver = "/etc/resolv.conf";
constexpr const char* kLoopbackNames =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "ff00::0\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

std::string without_prefix(const std::string& address) {
  return address.substr(0, address.find('/'));
}

// A resolver on the host's own loopback is out of the workload's reach.
bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string directory_of(const Options& options, const std::string& id) {
  return cat(options.root, "/workloads/", id);
}

std::string shared_memory_of(const Options& options, const std::string& id) {
  return cat(options.run, "/w/", id, "/shm");
}

// The workload whose place on the networks it shares, itself mostly.
std::string network_owner(const Workload& workload) {
  const auto owner = workload.shared_owners.find("network");
  return owner == workload.shared_owners.end() ? workload.id : owner->second;
}

void add_own_names(const Workload& workload, std::string& text) {
  const std::string name = host_name_of(workload);
  const std::string full =
      workload.config.domain.empty() ? name : cat(name, ".", workload.config.domain, " ", name);
  for (const Attachment& attachment : workload.networks) {
    for (const std::string* address : {&attachment.ipv4, &attachment.ipv6}) {
      if (!address->empty()) text += cat(without_prefix(*address), "\t", full, "\n");
    }
  }
}

}  // namespace

std::string host_name_of(const Workload& workload) {
  const Config& config = workload.config;
  if (!config.hostname.empty()) return config.hostname;
  if (config.uts_mode == "host" || config.network_mode == "host") {
    std::array<char, 256> name = {};
    if (::gethostname(name.data(), name.size() - 1) == 0) return name.data();
  }
  return workload.id.substr(0, 12);
}

std::string hosts_text(const Workload& workload) {
  std::string text = kLoopbackNames;
  for (const std::string& extra : workload.config.extra_hosts) {
    // "name:address", or "name=address"; an address of version 6 has colons of its own.
    const std::size_t end = extra.find_first_of("=:");
    if (end == std::string::npos) continue;
    std::string address = extra.substr(end + 1);
    if (address == "host-gateway") {
      address = workload.networks.empty() ? "" : without_prefix(workload.networks[0].gateway4);
    }
    if (!address.empty()) text += cat(address, "\t", extra.substr(0, end), "\n");
  }
  add_own_names(workload, text);
  return text;
}

std::string resolver_text(const Workload& workload, std::string_view host) {
  const Config& config = workload.config;
  std::vector<std::string> servers;
  // The name server of a network answers for all of them, and asks those of --dns for the rest.
  for (const Attachment& attachment : workload.networks) {
    if (!attachment.resolver.empty()) servers.push_back(attachment.resolver);
    if (!servers.empty()) break;
  }
  if (servers.empty()) servers = config.dns;
  const bool takes_servers = servers.empty();
  std::string search = join(config.dns_search, " ");
  std::string options = join(config.dns_options, " ");
  const bool takes_search = config.dns_search.empty();
  const bool takes_options = config.dns_options.empty();
  for (const std::string_view line : split(host, '\n')) {
    const auto [key, rest] = split_once(trim(line), ' ');
    const std::string value(trim(rest));
    if (key == "nameserver" && takes_servers && !is_loopback(value)) servers.push_back(value);
    if (key == "search" && takes_search) search = value;
    if (key == "options" && takes_options) options = value;
  }
  // A name without a dot is a workload's before it is anything of the search list.
  const bool is_ours = !workload.networks.empty() && !workload.networks[0].resolver.empty();
  if (is_ours && options.find("ndots:") == std::string::npos) {
    options += options.empty() ? "ndots:0" : " ndots:0";
  }
  std::string text;
  for (const std::string& server : servers) text += cat("nameserver ", server, "\n");
  // "." asks for no search list at all.
  if (!search.empty() && search != ".") text += cat("search ", search, "\n");
  if (!options.empty()) text += cat("options ", options, "\n");
  return text;
}

Result<void> write_managed_files(const Workload& workload, const Options& options) {
  if (workload.config.ipc_mode == "shareable") {
    const std::string shared = shared_memory_of(options, workload.id);
    TRY(file::make_directories(shared, 01777));
    if (::chmod(shared.c_str(), 01777) != 0) return fail_errno("making '", shared, "'");
  }
  if (network_owner(workload) != workload.id) return {};
  const Fd directory = TRY(file::open(directory_of(options, workload.id), O_PATH | O_DIRECTORY));
  const Result<std::string> resolver = file::read_file(kHostResolver);
  const std::string host = resolver.ok() ? resolver.value() : std::string();
  // Nobody reads them yet: no need for a second name, which costs an inode each.
  const auto write = [&](const char* name, const std::string& text) -> Result<void> {
    const Fd fd = TRY(file::open_at(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    return file::write_all(fd, bytes_of(text));
  };
  TRY(write("hosts", hosts_text(workload)));
  TRY(write("hostname", cat(host_name_of(workload), "\n")));
  return write("resolv.conf", resolver_text(workload, host));
}

std::vector<wire::Share> managed_shares(const Workload& workload, const Options& options) {
  std::vector<wire::Share> shares;
  const std::string directory = directory_of(options, network_owner(workload));
  for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
    shares.push_back({.source = cat(directory, "/", name), .destination = cat("/etc/", name)});
  }
  const Config& config = workload.config;
  if (config.hull == wire::HullKind::vm) return shares;  // its shared memory is its kernel's
  if (config.ipc_mode == "host") {
    for (const char* place : {"/dev/shm", "/dev/mqueue"}) {
      if (file::exists(place)) shares.push_back({.source = place, .destination = place});
    }
  } else if (config.ipc_mode == "shareable") {
    shares.push_back({.source = shared_memory_of(options, workload.id), .destination = "/dev/shm"});
  } else if (const auto owner = workload.shared_owners.find("ipc");
             owner != workload.shared_owners.end()) {
    shares.push_back(
        {.source = shared_memory_of(options, owner->second), .destination = "/dev/shm"});
  }
  return shares;
}

}  // namespace proa::engine
