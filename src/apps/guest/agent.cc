#include "apps/guest/agent.h"

#include <algorithm>

#include "apps/guest/boot.h"
#include "apps/guest/guest_root.h"
#include "apps/guest/network.h"
#include "hull/light/light_hull.h"
#include "kernel/file/pipe.h"
#include "kernel/system/system.h"

namespace proa::guest {
namespace {

using wire::MessageType;

constexpr const char* kInitProgram = "/bin/proa-init";
// How long who reads the files of a machine that goes may take, and how often that is looked at.
// Less than the hull waits for its end.
constexpr std::chrono::seconds kReadersLimit{10};
constexpr std::chrono::milliseconds kLook{10};

Error unknown(MessageType type) {
  return fail(ErrorKind::unsupported, "the guest knows no request ", static_cast<int>(type));
}

Moment moment_of(std::int64_t nanoseconds) { return Moment(std::chrono::nanoseconds(nanoseconds)); }

}  // namespace

Agent::Agent(io::Loop& loop)
    : loop_(loop), streams_(loop, [this](MessageType type, std::string body) {
        send(type, 0, std::move(body));
      }) {}

Agent::~Agent() = default;

Result<void> Agent::serve(Fd port) {
  link_ = TRY(io::FrameLink::open(
      loop_, std::move(port),
      [this](wire::Frame frame, std::vector<Fd>) { on_frame(std::move(frame)); },
      // Nobody is left to run for.
      [this](const Result<void>&) { loop_.stop(); }));
  send(MessageType::hello, 0, wire::encode(wire::Hello{}));
  return {};
}

Result<void> Agent::serve_recorded(std::string frames) {
  wire::FrameReader reader;
  reader.feed(frames);
  while (std::optional<wire::Frame> frame = TRY(reader.next())) on_frame(std::move(*frame));
  return {};
}

void Agent::send(MessageType type, std::uint32_t call, std::string body) {
  link_->send({type, 0, call, std::move(body)});
}

void Agent::reply_with(std::uint32_t call, MessageType type, std::string body) {
  if (body.size() <= wire::kMaxBody) return send(type, call, std::move(body));
  answer(call, fail(ErrorKind::exhausted, "the answer has more than ", wire::kMaxBody, " bytes"));
}

void Agent::answer(std::uint32_t call, const Result<void>& outcome) {
  if (outcome.ok()) return send(MessageType::done, call, {});
  send(MessageType::failed, call, wire::encode(wire::to_message(outcome.error())));
}

hull::Done<> Agent::done(std::uint32_t call) {
  return [this, call](const Result<void>& outcome) { answer(call, outcome); };
}

template <typename Value>
hull::Done<Value> Agent::reply(std::uint32_t call, MessageType type) {
  return [this, call, type](Result<Value> value) {
    if (!value.ok()) return answer(call, std::move(value).error());
    reply_with(call, type, wire::encode(value.value()));
  };
}

template <typename Reply, typename Value>
hull::Done<Value> Agent::reply(std::uint32_t call, MessageType type, Value Reply::* member) {
  return [this, call, type, member](Result<Value> value) {
    if (!value.ok()) return answer(call, std::move(value).error());
    Reply reply;
    reply.*member = value.take();
    reply_with(call, type, wire::encode(reply));
  };
}

void Agent::on_frame(wire::Frame frame) {
  const Result<void> served = dispatch(frame);
  if (!served.ok()) answer(frame.call, served);
}

Result<void> Agent::dispatch(const wire::Frame& frame) {
  switch (frame.type) {
    case MessageType::hello:
      return {};
    case MessageType::stream_data:
      return streams_.on_data(TRY(wire::decode<wire::StreamData>(frame.body)));
    case MessageType::stream_credit:
      streams_.on_credit(TRY(wire::decode<wire::StreamCredit>(frame.body)));
      return {};
    case MessageType::set_clock: {
      const auto clock = TRY(wire::decode<wire::SetClock>(frame.body));
      answer(frame.call, system::set_clock(moment_of(clock.moment)));
      return {};
    }
    case MessageType::configure: {
      const auto wanted = TRY(wire::decode<wire::Configure>(frame.body));
      answer(frame.call, configure(wanted));
      return {};
    }
    case MessageType::remove:
      patience_ends_ = io::Clock::now() + kReadersLimit;
      leave(frame.call);
      return {};
    default:
      if (!hull_) return fail(ErrorKind::busy, "the guest is not configured");
      return dispatch_request(frame);
  }
}

Result<void> Agent::configure(const wire::Configure& configure) {
  if (hull_) return fail(ErrorKind::already_exists, "the guest is configured already");
  TRY(system::set_clock(moment_of(configure.moment)));
  std::unique_ptr<GuestRoot> root = TRY(GuestRoot::mount(configure));
  TRY(place_shares(configure));
  TRY(set_up_network(configure.spec.endpoints));
  endpoints_ = configure.spec.endpoints;
  wire::Spec spec = configure.spec;
  spec.endpoints.clear();
  hull::LightPlace place{
      .root = std::move(root), .filter_cache = wire::kGuestFilters, .init_program = kInitProgram};
  hull_ = TRY(hull::make_light_hull(loop_, spec, *this, std::move(place)));
  // A light hull is made at once.
  Result<void> outcome = fail(ErrorKind::internal, "the workload's hull is not made");
  hull_->create([&outcome](Result<void> created) { outcome = std::move(created); });
  return outcome;
}

Result<void> Agent::join_network(const wire::Endpoint& endpoint) {
  TRY(set_up_network({endpoint}), "network ", printable(endpoint.network, 80));
  endpoints_.push_back(endpoint);
  return {};
}

Result<void> Agent::leave_network(const std::string& network) {
  const auto found = std::ranges::find(endpoints_, network, &wire::Endpoint::network);
  if (found == endpoints_.end()) {
    return fail(ErrorKind::not_found, "it is not on the network '", printable(network, 80), "'");
  }
  const wire::Endpoint left = *found;
  endpoints_.erase(found);
  return clear_network(left);
}

Result<void> Agent::dispatch_request(const wire::Frame& frame) {
  const std::uint32_t call = frame.call;
  switch (frame.type) {
    case MessageType::start: {
      const auto start = TRY(wire::decode<wire::Start>(frame.body));
      hull_->start(connect_streams(call, start.streams));
      return {};
    }
    case MessageType::exec: {
      const auto exec = TRY(wire::decode<wire::Exec>(frame.body));
      hull_->exec(exec.id, exec.process, connect_streams(call, exec.streams));
      return {};
    }
    case MessageType::signal: {
      const auto signal = TRY(wire::decode<wire::Signal>(frame.body));
      hull_->signal(signal.exec, signal.number, done(call));
      return {};
    }
    case MessageType::resize: {
      const auto resize = TRY(wire::decode<wire::Resize>(frame.body));
      hull_->resize(resize.exec, resize.size, done(call));
      return {};
    }
    case MessageType::processes:
      hull_->processes(
          reply<wire::ProcessRows>(call, MessageType::process_rows, &wire::ProcessRows::rows));
      return {};
    case MessageType::stats:
      hull_->stats(reply<wire::Stats>(call, MessageType::stats_answer));
      return {};
    case MessageType::update:
      hull_->update(TRY(wire::decode<wire::Update>(frame.body)).resources, done(call));
      return {};
    case MessageType::join_network: {
      answer(call, join_network(TRY(wire::decode<wire::Endpoint>(frame.body))));
      return {};
    }
    case MessageType::leave_network: {
      answer(call, leave_network(TRY(wire::decode<wire::NetworkName>(frame.body)).network));
      return {};
    }
    default:
      return dispatch_files(frame);
  }
}

Result<void> Agent::dispatch_files(const wire::Frame& frame) {
  const std::uint32_t call = frame.call;
  switch (frame.type) {
    case MessageType::stat_path:
      hull_->stat_path(TRY(wire::decode<wire::Path>(frame.body)).path,
                       reply<wire::PathStat>(call, MessageType::path_answer));
      return {};
    case MessageType::copy_out: {
      const auto path = TRY(wire::decode<wire::Path>(frame.body));
      hull_->copy_out(path.path, send_tar(call, path.stream));
      return {};
    }
    case MessageType::export_tree: {
      const auto path = TRY(wire::decode<wire::Path>(frame.body));
      hull_->export_tree(send_tar(call, path.stream));
      return {};
    }
    case MessageType::copy_in: {
      const auto path = TRY(wire::decode<wire::Path>(frame.body));
      file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
      streams_.expect(path.stream);
      TRY(streams_.connect(path.stream, std::move(pipe.write)));
      hull_->copy_in(path, std::move(pipe.read), done(call));
      return {};
    }
    case MessageType::changes:
      hull_->changes(
          reply<wire::ChangeList>(call, MessageType::change_list, &wire::ChangeList::changes));
      return {};
    default:
      return unknown(frame.type);
  }
}

hull::Done<hull::Streams> Agent::connect_streams(std::uint32_t call, wire::StreamNumbers numbers) {
  // What the host sends before the process is there waits.
  streams_.expect(numbers.input);
  return [this, call, numbers](Result<hull::Streams> streams) {
    if (!streams.ok()) {
      streams_.refuse(numbers.input);
      return answer(call, std::move(streams).error());
    }
    hull::Streams ends = streams.take();
    // Answered first: the host opens its ends by the answer.
    answer(call, {});
    for (const Result<void>& connected :
         {streams_.connect(numbers.input, std::move(ends.input)),
          streams_.send_from(numbers.output, std::move(ends.output)),
          streams_.send_from(numbers.error, std::move(ends.error))}) {
      discard(connected, "a stream that cannot be served ends at once");
    }
  };
}

hull::Done<Fd> Agent::send_tar(std::uint32_t call, std::uint32_t stream) {
  return [this, call, stream](Result<Fd> tar) {
    if (!tar.ok()) return answer(call, std::move(tar).error());
    answer(call, {});
    discard(streams_.send_from(stream, tar.take()), "a stream's early end is its failure");
    tars_.insert(stream);
  };
}

void Agent::leave(std::uint32_t call) {
  std::erase_if(tars_, [this](std::uint32_t stream) { return !streams_.is_sending(stream); });
  const bool sent = tars_.empty() && link_->idle();
  if (!sent && io::Clock::now() < patience_ends_) {
    loop_.after(kLook, [this, call] { leave(call); });
    return;
  }
  answer(call, {});
  loop_.stop();
}

void Agent::on_end(const wire::Ending& ending) { on_exec_end({}, ending); }

void Agent::on_exec_end(const std::string& exec, const wire::Ending& ending) {
  send(MessageType::exec_ended, 0, wire::encode(wire::ExecEnded{exec, ending}));
}

void Agent::on_out_of_memory() { send(MessageType::out_of_memory, 0, {}); }

}  // namespace proa::guest
