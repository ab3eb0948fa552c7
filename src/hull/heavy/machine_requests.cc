// What is asked of a machine: most of it goes on to the agent in the guest.
#include <algorithm>
#include <csignal>

#include "base/json.h"
#include "base/time.h"
#include "container/limits/stats.h"
#include "hull/heavy/machine_hull.h"
#include "kernel/cgroup/layout.h"
#include "kernel/file/pipe.h"
#include "network/bridge/endpoint.h"

namespace proa::hull {

using wire::MessageType;

namespace {

Error not_running() { return fail(ErrorKind::busy, "the container is not running"); }

Error paused() {
  return fail(ErrorKind::busy,
              "the virtual machine is paused, and its guest with it: unpause it first");
}

}  // namespace

Result<MachineHull::Opened> MachineHull::open_streams(const wire::Process& process) {
  Opened opened;
  if (process.open_input) {
    file::Pipe input = TRY(file::make_pipe(file::kLargePipe));
    opened.numbers.input = link_->next_stream();
    opened.ours.input = std::move(input.write);
    opened.input = std::move(input.read);
  }
  file::Pipe output = TRY(file::make_pipe(file::kLargePipe));
  opened.numbers.output = link_->next_stream();
  link_->streams().expect(opened.numbers.output);
  TRY(link_->streams().connect(opened.numbers.output, std::move(output.write)));
  opened.ours.output = std::move(output.read);
  if (!process.terminal) {
    file::Pipe error = TRY(file::make_pipe(file::kLargePipe));
    opened.numbers.error = link_->next_stream();
    link_->streams().expect(opened.numbers.error);
    TRY(link_->streams().connect(opened.numbers.error, std::move(error.write)));
    opened.ours.error = std::move(error.read);
  }
  return opened;
}

Done<> MachineHull::handing_out(Opened opened, Done<Streams> done) {
  return [this, opened = std::move(opened),
          done = std::move(done)](const Result<void>& outcome) mutable {
    if (!outcome.ok()) {
      if (link_) {
        link_->streams().refuse(opened.numbers.output);
        link_->streams().refuse(opened.numbers.error);
      }
      return done(outcome.error());
    }
    Result<void> served = link_->streams().send_from(opened.numbers.input, std::move(opened.input));
    if (!served.ok()) return done(std::move(served).error());
    if (machine_) opened.ours.shown_number = machine_->shown_number();
    done(std::move(opened.ours));
  };
}

void MachineHull::start(Done<Streams> done) {
  when_ready([this, done = std::move(done)](const Result<void>& ready) mutable {
    if (!ready.ok()) return done(ready.error());
    Result<Opened> opened = open_streams(spec_.process);
    if (!opened.ok()) return done(std::move(opened).error());
    out_of_memory_ = false;
    // Before the answer: the end may follow it at once.
    running_ = true;
    const wire::Start start{opened.value().numbers};
    Done<> handing = handing_out(opened.take(), std::move(done));
    link_->ask(MessageType::start, start,
               [this, handing = std::move(handing)](const Result<void>& outcome) mutable {
                 if (!outcome.ok()) running_ = false;
                 const auto size = std::exchange(first_size_, std::nullopt);
                 if (outcome.ok() && size) resize({}, *size, [](const Result<void>&) {});
                 handing(outcome);
               });
  });
}

void MachineHull::exec(const std::string& exec, const wire::Process& process, Done<Streams> done) {
  if (!running_ || !link_) return done(not_running());
  Result<Opened> opened = open_streams(process);
  if (!opened.ok()) return done(std::move(opened).error());
  execs_.insert(exec);
  wire::Exec request;
  request.id = exec;
  request.process = process;
  request.streams = opened.value().numbers;
  Done<> handing = handing_out(opened.take(), std::move(done));
  link_->ask(MessageType::exec, request,
             [this, exec, handing = std::move(handing)](const Result<void>& outcome) mutable {
               if (!outcome.ok()) execs_.erase(exec);
               handing(outcome);
             });
}

void MachineHull::on_exec_end(wire::ExecEnded ended) {
  // Told once for each process that was asked for; a guest that says more is not heard.
  ended.ending.failure = printable(ended.ending.failure, 2000);
  if (ended.id.empty()) {
    if (!std::exchange(running_, false)) return;
    ended.ending.out_of_memory = ended.ending.out_of_memory || out_of_memory_;
    return observer_.on_end(ended.ending);
  }
  if (execs_.erase(ended.id) == 0) return;
  observer_.on_exec_end(ended.id, ended.ending);
}

void MachineHull::on_out_of_memory() {
  if (!running_ || std::exchange(out_of_memory_, true)) return;
  observer_.on_out_of_memory();
}

// What a paused guest is told it hears when it goes on: nobody waits for its answer.
void MachineHull::answer_if_paused(Done<>& done) const {
  if (paused_) std::exchange(done, [](const Result<void>&) {})({});
}

void MachineHull::signal(const std::string& exec, int number, Done<> done) {
  if (!link_ || phase_ != Phase::ready) return done(not_running());
  answer_if_paused(done);
  link_->ask(MessageType::signal, wire::Signal{exec, number}, std::move(done));
}

void MachineHull::resize(const std::string& exec, wire::WindowSize size, Done<> done) {
  if (exec.empty() && phase_ == Phase::booting) {
    first_size_ = size;
    return done({});
  }
  if (!link_ || phase_ != Phase::ready) return done(not_running());
  answer_if_paused(done);
  link_->ask(MessageType::resize, wire::Resize{exec, size}, std::move(done));
}

void MachineHull::pause(Done<> done) {
  if (!running_ || !machine_) return done(not_running());
  machine_->pause([this, done = std::move(done)](const Result<void>& outcome) mutable {
    paused_ = outcome.ok();
    done(outcome);
  });
}

void MachineHull::resume(Done<> done) {
  if (!machine_) return done(not_running());
  machine_->resume([this, done = std::move(done)](const Result<void>& outcome) mutable {
    if (!outcome.ok() || !link_) return done(outcome);
    paused_ = false;
    set_clock(std::move(done));
  });
}

void MachineHull::set_clock(Done<> done) {
  link_->ask(MessageType::set_clock, wire::SetClock{now().time_since_epoch().count()},
             std::move(done));
}

void MachineHull::processes(Done<std::vector<wire::ProcessRow>> done) {
  if (paused_) return done(paused());
  if (!running_ || !link_) return done(not_running());
  link_->query<wire::ProcessRows>(MessageType::processes, wire::Empty(),
                                  [done = std::move(done)](Result<wire::ProcessRows> rows) mutable {
                                    if (!rows.ok()) return done(std::move(rows).error());
                                    done(std::move(rows.value().rows));
                                  });
}

// The workload's own view, and beside it what all of the machine costs the host.
void MachineHull::stats(Done<wire::Stats> done) {
  if (!running_ || !link_) return done(not_running());
  Done<wire::Stats> with_cost = [this, done = std::move(done)](Result<wire::Stats> stats) mutable {
    if (!stats.ok() || !cgroups_) return done(std::move(stats));
    const auto cost = container::limits::read_stats(*cgroups_);
    if (cost.ok() && cost.value().cpu) stats.value().host_cpu = cost.value().cpu->total;
    if (cost.ok() && cost.value().memory) {
      stats.value().host_memory = cost.value().memory->memory.usage;
    }
    done(std::move(stats));
  };
  // A paused guest tells nothing.
  if (paused_) return with_cost(wire::Stats{});
  link_->query<wire::Stats>(MessageType::stats, wire::Empty(), std::move(with_cost));
}

void MachineHull::update(const std::string& resources, Done<> done) {
  if (paused_) return done(paused());
  const Result<json::Value> document = json::parse(resources, "resources");
  if (!document.ok()) return done(document.error());
  Result<json::Value> inside = guest_update(document.value(), size_);
  if (!inside.ok()) return done(std::move(inside).error());
  const Result<void> outside = update_host(document.value());
  if (!outside.ok() || !link_ || phase_ != Phase::ready) return done(outside);
  wire::Update update;
  update.resources = json::print(inside.value());
  link_->ask(MessageType::update, update, std::move(done));
}

Result<void> MachineHull::update_host(const json::Value& document) {
  const oci::runtime::Resources asked =
      TRY(oci::runtime::parse_resources(json::Reader(document, "resources")));
  oci::runtime::Resources wanted;
  wanted.cpu = asked.cpu;
  if (!cgroups_) return {};
  const cgroup::Layout layout = TRY(cgroup::discover());
  using namespace container::limits;
  const Plan plan = TRY(make_plan(
      layout, wanted, {.cgroups_path = spec_.cgroup, .id = spec_.id, .purpose = Purpose::update}));
  std::vector<std::string> warnings;
  return cgroups_->update(plan, warnings);
}

void MachineHull::join_network(const wire::Endpoint& endpoint, Done<> done) {
  if (!link_ || phase_ != Phase::ready) return done(not_running());
  if (paused_) return done(paused());
  const auto card = std::ranges::find(cards_, "", &Card::network);
  if (card == cards_.end()) {
    return done(fail(ErrorKind::unsupported, "a virtual machine that runs takes ", kSpareCards,
                     " further networks, if it was started with one; connect '",
                     printable(endpoint.network, 80), "' while it is stopped"));
  }
  const Result<void> joined = network::join_by_tap(card->link, endpoint);
  if (!joined.ok()) return done(joined);
  wire::Endpoint inside = endpoint;
  inside.link = card->mac;
  *card = {endpoint.link, endpoint.mac, endpoint.network};
  spec_.endpoints.push_back(endpoint);
  link_->ask(MessageType::join_network, inside,
             [this, endpoint, done = std::move(done)](const Result<void>& outcome) mutable {
               if (!outcome.ok()) discard(leave(endpoint.network), "the guest's refusal is told");
               done(outcome);
             });
}

// Takes the network from the machine, whatever the guest says to it.
Result<void> MachineHull::leave(const std::string& network) {
  const auto endpoint = std::ranges::find(spec_.endpoints, network, &wire::Endpoint::network);
  if (endpoint == spec_.endpoints.end()) {
    return fail(ErrorKind::not_found, "it is not on the network '", printable(network, 80), "'");
  }
  const wire::Endpoint left = *endpoint;
  spec_.endpoints.erase(endpoint);
  const auto card = std::ranges::find(cards_, network, &Card::network);
  if (card == cards_.end()) return {};
  card->network.clear();
  return network::leave_by_tap(left);
}

void MachineHull::leave_network(const std::string& network, Done<> done) {
  Result<void> left = leave(network);
  if (!left.ok() || !link_ || phase_ != Phase::ready) return done(std::move(left));
  answer_if_paused(done);
  link_->ask(MessageType::leave_network, wire::NetworkName{network},
             [done = std::move(done)](const Result<void>& outcome) mutable {
               discard(outcome, "what the guest keeps of it leads nowhere");
               done({});
             });
}

void MachineHull::stat_path(const std::string& path, Done<wire::PathStat> done) {
  when_readable([this, path, done = std::move(done)](Result<Hull*> at_rest) mutable {
    if (!at_rest.ok()) return done(std::move(at_rest).error());
    if (at_rest.value() != nullptr) return at_rest.value()->stat_path(path, std::move(done));
    link_->query<wire::PathStat>(MessageType::stat_path, wire::Path{.path = path}, std::move(done));
  });
}

// From the guest, which is ready.
void MachineHull::stream_from(MessageType type, const std::string& path, Done<Fd> done) {
  Result<file::Pipe> pipe = file::make_pipe(file::kLargePipe);
  if (!pipe.ok()) return done(std::move(pipe).error());
  const std::uint32_t stream = link_->next_stream();
  link_->streams().expect(stream);
  const Result<void> connected = link_->streams().connect(stream, std::move(pipe.value().write));
  if (!connected.ok()) return done(connected.error());
  link_->ask(type, wire::Path{.path = path, .stream = stream},
             [read = std::move(pipe.value().read),
              done = std::move(done)](const Result<void>& outcome) mutable {
               if (!outcome.ok()) return done(outcome.error());
               done(std::move(read));
             });
}

void MachineHull::copy_out(const std::string& path, Done<Fd> done) {
  when_readable([this, path, done = std::move(done)](Result<Hull*> at_rest) mutable {
    if (!at_rest.ok()) return done(std::move(at_rest).error());
    if (at_rest.value() != nullptr) return at_rest.value()->copy_out(path, std::move(done));
    stream_from(MessageType::copy_out, path, std::move(done));
  });
}

void MachineHull::export_tree(Done<Fd> done) {
  when_readable([this, done = std::move(done)](Result<Hull*> at_rest) mutable {
    if (!at_rest.ok()) return done(std::move(at_rest).error());
    if (at_rest.value() != nullptr) return at_rest.value()->export_tree(std::move(done));
    stream_from(MessageType::export_tree, "/", std::move(done));
  });
}

void MachineHull::copy_in(const wire::Path& directory, Fd tar, Done<> done) {
  when_ready([this, directory, tar = std::move(tar),
              done = std::move(done)](const Result<void>& ready) mutable {
    if (!ready.ok()) return done(ready.error());
    wire::Path request = directory;
    request.stream = link_->next_stream();
    const Result<void> served = link_->streams().send_from(request.stream, std::move(tar));
    if (!served.ok()) return done(served.error());
    link_->ask(MessageType::copy_in, request, std::move(done));
  });
}

void MachineHull::changes(Done<std::vector<wire::Change>> done) {
  when_readable([this, done = std::move(done)](Result<Hull*> at_rest) mutable {
    if (!at_rest.ok()) return done(std::move(at_rest).error());
    if (at_rest.value() != nullptr) return at_rest.value()->changes(std::move(done));
    link_->query<wire::ChangeList>(MessageType::changes, wire::Empty(),
                                   [done = std::move(done)](Result<wire::ChangeList> list) mutable {
                                     if (!list.ok()) return done(std::move(list).error());
                                     done(std::move(list.value().changes));
                                   });
  });
}

}  // namespace proa::hull
