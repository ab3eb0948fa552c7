#include "hull/remote/remote_hull.h"

#include <fcntl.h>

#include "kernel/socket/unix_stream.h"

namespace proa::hull {
namespace {

using wire::MessageType;

// Both ends of the connections that carry a process's streams: input and output share one.
struct Ends {
  Streams ours;
  Fd main, error;
};

Result<Ends> make_ends(bool terminal) {
  socket::Pair main = TRY(socket::stream_pair(socket::Blocking::no));
  Ends ends;
  ends.ours.input = Fd(::fcntl(main.first.get(), F_DUPFD_CLOEXEC, 3));
  ends.ours.output = std::move(main.first);
  ends.main = std::move(main.second);
  if (!ends.ours.input.valid()) return fail_errno("copying a descriptor");
  if (terminal) return ends;
  socket::Pair error = TRY(socket::stream_pair(socket::Blocking::no));
  ends.ours.error = std::move(error.first);
  ends.error = std::move(error.second);
  return ends;
}

}  // namespace

Capabilities RemoteHull::capabilities() const {
  return {.pause = true, .live_update = true, .live_networks = true, .host_namespaces = true};
}

void RemoteHull::start(Done<Streams> done) {
  Result<Ends> ends = make_ends(false);
  if (!ends.ok()) return done(std::move(ends).error());
  std::vector<Fd> main, error;
  main.push_back(std::move(ends.value().main));
  error.push_back(std::move(ends.value().error));
  const auto ignore = [](const Result<void>&) {};
  link_.ask(MessageType::attach, wire::Attachment{.input = true, .output = true}, std::move(main),
            ignore);
  link_.ask(MessageType::attach, wire::Attachment{.error = true}, std::move(error), ignore);
  // Frames are answered in order: a failure to attach shows in the same breath as this one.
  link_.ask(MessageType::start, wire::Empty{}, {},
            [streams = std::move(ends.value().ours),
             done = std::move(done)](Result<void> started) mutable {
              if (!started.ok()) return done(std::move(started).error());
              done(std::move(streams));
            });
}

void RemoteHull::exec(const std::string& exec, const wire::Process& process, Done<Streams> done) {
  Result<Ends> ends = make_ends(process.terminal);
  if (!ends.ok()) return done(std::move(ends).error());
  std::vector<Fd> descriptors;
  descriptors.push_back(std::move(ends.value().main));
  if (ends.value().error.valid()) descriptors.push_back(std::move(ends.value().error));
  const wire::Exec request{exec, process, {.input = process.open_input, .output = true}};
  link_.ask(MessageType::exec, request, std::move(descriptors),
            [streams = std::move(ends.value().ours),
             done = std::move(done)](Result<void> started) mutable {
              if (!started.ok()) return done(std::move(started).error());
              done(std::move(streams));
            });
}

void RemoteHull::signal(const std::string& exec, int number, Done<> done) {
  link_.ask(MessageType::signal, wire::Signal{exec, number}, {}, std::move(done));
}

void RemoteHull::resize(const std::string& exec, wire::WindowSize size, Done<> done) {
  link_.ask(MessageType::resize, wire::Resize{exec, size}, {}, std::move(done));
}

void RemoteHull::pause(Done<> done) {
  link_.ask(MessageType::pause, wire::Empty{}, {}, std::move(done));
}

void RemoteHull::resume(Done<> done) {
  link_.ask(MessageType::resume, wire::Empty{}, {}, std::move(done));
}

void RemoteHull::processes(Done<std::vector<wire::ProcessRow>> done) {
  link_.query<wire::ProcessRows>(
      MessageType::processes, {},
      [done = std::move(done)](Result<wire::ProcessRows> answer) mutable {
        if (!answer.ok()) return done(std::move(answer).error());
        done(std::move(answer.value().rows));
      });
}

void RemoteHull::stats(Done<wire::Stats> done) {
  link_.query<wire::Stats>(MessageType::stats, {}, std::move(done));
}

void RemoteHull::update(const std::string& resources, Done<> done) {
  link_.ask(MessageType::update, wire::Update{.resources = resources}, {}, std::move(done));
}

void RemoteHull::join_network(const wire::Endpoint& endpoint, Done<> done) {
  link_.ask(MessageType::join_network, endpoint, {}, std::move(done));
}

void RemoteHull::leave_network(const std::string& network, Done<> done) {
  link_.ask(MessageType::leave_network, wire::NetworkName{network}, {}, std::move(done));
}

void RemoteHull::stat_path(const std::string& path, Done<wire::PathStat> done) {
  link_.query<wire::PathStat>(MessageType::stat_path, wire::encode(wire::Path{path}),
                              std::move(done));
}

void RemoteHull::stream(MessageType type, const std::string& path, Done<Fd> done) {
  link_.call(type, wire::encode(wire::Path{path}), {},
             [done = std::move(done)](Result<ShimLink::Answer> answer) mutable {
               if (!answer.ok()) return done(std::move(answer).error());
               if (answer.value().descriptors.empty()) {
                 return done(fail(ErrorKind::corrupt, "the shim sent no stream"));
               }
               done(std::move(answer.value().descriptors.front()));
             });
}

void RemoteHull::copy_out(const std::string& path, Done<Fd> done) {
  stream(MessageType::copy_out, path, std::move(done));
}

void RemoteHull::copy_in(const wire::Path& directory, Fd tar, Done<> done) {
  std::vector<Fd> descriptors;
  descriptors.push_back(std::move(tar));
  link_.ask(MessageType::copy_in, directory, std::move(descriptors), std::move(done));
}

void RemoteHull::changes(Done<std::vector<wire::Change>> done) {
  link_.query<wire::ChangeList>(MessageType::changes, {},
                                [done = std::move(done)](Result<wire::ChangeList> answer) mutable {
                                  if (!answer.ok()) return done(std::move(answer).error());
                                  done(std::move(answer.value().changes));
                                });
}

void RemoteHull::export_tree(Done<Fd> done) {
  stream(MessageType::export_tree, "/", std::move(done));
}

void RemoteHull::remove(Done<> done) {
  link_.ask(MessageType::remove, wire::Empty{}, {}, std::move(done));
}

}  // namespace proa::hull
