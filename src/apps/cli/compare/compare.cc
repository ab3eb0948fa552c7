// compare.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "apps/cli/call.h"
#include "apps/cli/compare/commands.h"
#include "apps/cli/ending.h"
#include "base/number.h"
#include "client/http/address.h"
#include "client/http/request.h"
#include "compare/measure.h"
#include "compare/report.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;

constexpr const char* kDockerSocket = "unix:///var/run/docker.sock";

// The program that is put into workloads lies beside ours.
Result<std::string> probe_path() {
  const Fd self = TRY(file::open("/proc/self", O_RDONLY | O_DIRECTORY));
  const std::string own = TRY(file::read_link_at(self, "exe"));
  return own.substr(0, own.rfind('/')) + "/proa-probe";
}

// A machine of this engine, as its doctor says; nothing where the host carries none.
Result<compare::Candidate> find_machine(client::Client& engine) {
  const json::Value doctor = TRY(engine.call_json(Request("GET", "/proa/v1/doctor")));
  const std::string isolation = text_at(doctor, "Isolation");
  if (!isolation.starts_with("vm")) {
    return fail(ErrorKind::unsupported,
                "this host carries no virtual machine; 'proa doctor' says why");
  }
  const bool emulated = isolation == "vm-emulated";
  return compare::Candidate{
      .name = "vm", .hypervisor = emulated ? "hosted" : "kvm", .is_vm = true, .emulated = emulated};
}

// "docker", or "name=unix:///socket"
Result<compare::Target> peer(std::string_view text) {
  const auto [name, address] = split_once(text, '=');
  if (address.empty() && name != "docker") {
    return fail(ErrorKind::invalid_argument, "--against ", printable(text, 60),
                ": write docker, or NAME=unix:///SOCKET");
  }
  compare::Target target;
  target.candidate.name = name;
  target.engine = TRY(client::parse_address(address.empty() ? kDockerSocket : address));
  return target;
}

Result<std::vector<compare::Target>> targets_of(Call& call, client::Client& engine) {
  std::vector<compare::Target> targets;
  const auto add = [&](compare::Candidate candidate, const char* runtime) {
    compare::Target& target = targets.emplace_back();
    target.candidate = std::move(candidate);
    target.engine = engine.address();
    target.runtime = runtime;
  };
  const std::string only = call.flags().text("only");
  if (!only.empty() && only != "container" && only != "vm") {
    return fail(ErrorKind::invalid_argument, "--only takes container or vm, not '",
                printable(only, 40), "'");
  }
  if (only != "vm") add({.name = "container", .hypervisor = {}}, "container");
  if (only != "container") {
    const Result<compare::Candidate> machine = find_machine(engine);
    if (machine.ok()) {
      add(machine.value(), "vm");
    } else {
      print_error(cat("proa: ", machine.error().message()));
    }
  }
  for (const std::string& list : call.flags().list("against")) {
    for (const std::string_view text : split(list, ',')) {
      compare::Target target = TRY(peer(text));
      targets.push_back(std::move(target));
    }
  }
  return targets;
}

Result<compare::Sizes> sizes_of(client::Client& engine, const std::string& image,
                                const std::string& disk) {
  const json::Value shown = TRY(engine.call_json(Request("GET", image_path(image, "/json"))));
  compare::Sizes sizes;
  sizes.store = static_cast<std::uint64_t>(number_at(shown, "Size"));
  const std::string transfer =
      text_at(member_at(member_at(shown, "GraphDriver"), "Data"), "TransferBytes");
  if (!transfer.empty()) sizes.transfer = TRY(parse_number<std::uint64_t>(transfer));
  if (!disk.empty()) {
    const Fd file = TRY(file::open(disk, O_RDONLY), "--disk");
    const struct stat facts = TRY(file::stat(file));
    sizes.classic_disk = static_cast<std::uint64_t>(facts.st_blocks) * 512;
  }
  return sizes;
}

Result<compare::Options> options_of(const Call& call) {
  const client::Flags& flags = call.flags();
  compare::Options options;
  options.order.image = call.argument(0);
  options.order.command.assign(call.arguments().begin() + 1, call.arguments().end());
  if (flags.given("port")) {
    options.order.port = TRY(parse_number<std::uint16_t>(flags.text("port")), "--port");
  }
  options.load = flags.text("load");
  options.needs = TRY(compare::parse_needs(flags.text("needs")));
  options.probe = TRY(probe_path());
  const auto count = [&](const char* name, unsigned otherwise, unsigned least) -> Result<unsigned> {
    const std::int64_t given = flags.integer(name).value_or(otherwise);
    if (given < least || given > 1000) {
      return fail(ErrorKind::invalid_argument, "--", name, " takes a number from ", least,
                  " to 1000");
    }
    return static_cast<unsigned>(given);
  };
  options.most_rounds = TRY(count("rounds", options.most_rounds, 1));
  options.least_rounds = std::min(options.least_rounds, options.most_rounds);
  if (const auto seconds = flags.integer("limit")) {
    if (*seconds < 1) return fail(ErrorKind::invalid_argument, "--limit takes seconds");
    options.limit = std::chrono::seconds(*seconds);
  }
  options.instances = TRY(count("instances", options.instances, 1));
  const bool silent = flags.is("quiet");
  options.tell = [silent](const std::string& line) {
    if (!silent) print_error(line);
  };
  return options;
}

// Before anything is measured, and without leaving a file should that be ended.
Result<void> check_page(const std::string& path) {
  if (path.empty()) return {};
  if (file::exists(path)) {
    TRY(file::open(path, O_WRONLY), "the report");
    return {};
  }
  const std::size_t slash = path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  TRY(file::open(directory, O_PATH | O_DIRECTORY), "the report");
  if (::access(directory.c_str(), W_OK) != 0) return fail_errno("the report: '", path, "'");
  return {};
}

Result<void> write_page(const std::string& path, const std::string& page) {
  const Fd file = TRY(file::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), "the report");
  return file::write_all(file, bytes_of(page));
}

Result<int> do_compare(Call& call) {
  compare::Options options = TRY(options_of(call));
  TRY(check_page(call.flags().text("output")));
  client::Client* engine = TRY(call.engine());
  const compare::Sizes sizes =
      TRY(sizes_of(*engine, options.order.image, call.flags().text("disk")));
  const std::vector<compare::Target> targets = TRY(targets_of(call, *engine));
  std::vector<client::Address> engines;
  for (const compare::Target& target : targets) engines.push_back(target.engine);
  compare::Workloads workloads(std::move(engines));
  options.workloads = &workloads;
  const process::Child keeper = TRY(workloads.keep());
  const EndingSignals ending;
  const std::jthread watch([&](const std::stop_token& done) {
    const std::optional<int> signal = ending.wait(done);
    if (!signal) return;
    workloads.end();
    discard(keeper.signal(SIGKILL), "there is nothing left for it to do");
    // Not by returning: a round takes its time to find out.
    ::_exit(128 + *signal);
  });
  compare::Comparison comparison = TRY(compare::measure(targets, options));
  comparison.sizes = sizes;
  const compare::Advice advice = compare::advise(comparison);
  if (const std::string page = call.flags().text("output"); !page.empty()) {
    TRY(write_page(page, compare::print_page(comparison, advice)));
    print_error(cat("the report is in ", page));
  }
  TRY(print(call.flags().is("json")
                ? json::print_pretty(compare::to_json(comparison, advice)) + "\n"
                : compare::print_table(comparison, advice)));
  return 0;
}

constexpr Flag kFlags[] = {
    {'\0', "against", Flag::Kind::list, "engine",
     "Another engine too: docker, or NAME=unix:///SOCKET"},
    {'\0', "disk", Flag::Kind::text, "path", "A classic VM disk of the same application", "file"},
    {'\0', "instances", Flag::Kind::integer, "n",
     "How many at once for the figures of density (6)"},
    {'\0', "json", Flag::Kind::boolean, "", "All samples and figures as JSON"},
    {'\0', "limit", Flag::Kind::integer, "seconds", "Begin no round later than this"},
    {'\0', "load", Flag::Kind::text, "command",
     "A fixed load, run on the host with PROA_ADDRESS and PROA_PORT set"},
    {'\0', "needs", Flag::Kind::text, "list",
     "What matters: own-kernel, untrusted-code, density, fast-start, host-devices"},
    {'\0', "only", Flag::Kind::text, "hull", "This hull alone, beside what --against names"},
    {'o', "output", Flag::Kind::text, "path", "A page with plots, in one file", "file"},
    {'\0', "port", Flag::Kind::text, "port", "The port whose first reply counts"},
    {'q', "quiet", Flag::Kind::boolean, "", "Without progress"},
    {'\0', "rounds", Flag::Kind::integer, "n", "At most so many rounds (30)"},
};

}  // namespace

const Command kCompare = {
    .name = "compare",
    .arguments = "IMAGE [COMMAND] [ARG...]",
    .brief = "Measure an image as container and as virtual machine",
    .least = 1,
    .flags = kFlags,
    .run = do_compare,
    .interspersed = client::Interspersed::no,
    .more =
        "Runs the same image in every hull that the host can carry, in turns, until the "
        "figures are\nknown within 10 %, and says which hull suits what --needs declares.",
    .completes = "image"};

}  // namespace proa::cli
