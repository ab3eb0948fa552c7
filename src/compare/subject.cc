#include "compare/subject.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "base/number.h"
#include "client/http/request.h"
#include "client/stream/frame_splitter.h"
#include "image/tar/entry_writer.h"
#include "kernel/file/file.h"
#include "kernel/socket/connect.h"

namespace proa::compare {
namespace {

using client::Request;
using json::Value;

// Between two looks whether what does not answer still runs: seldom enough to disturb nothing.
constexpr auto kLook = std::chrono::milliseconds(250);

double milliseconds(Clock::duration span) {
  return std::chrono::duration<double, std::milli>(span).count();
}

const Value& member(const Value& value, std::initializer_list<std::string_view> path) {
  static const Value kNone;
  const Value* at = &value;
  for (const std::string_view key : path) {
    at = at->find(key);
    if (at == nullptr) return kNone;
  }
  return *at;
}

std::string text_of(const Value& value) {
  const auto* text = value.get_if<std::string>();
  return text == nullptr ? std::string() : *text;
}

// Whether there is something to read before the deadline.
bool readable_until(FdRef socket, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) return false;
  pollfd watched{socket.get(), POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(left.count())) > 0;
}

// Connects and asks once; nothing where nobody answers yet.
bool answers(const sockaddr_in& address, Clock::time_point deadline) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return false;
  const timeval limit{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return false;
  }
  constexpr std::string_view kAsk = "GET / HTTP/1.0\r\nHost: compare\r\n\r\n";
  if (!socket::send_all(socket, kAsk).ok()) return false;
  if (!readable_until(socket, deadline)) return false;
  std::byte first{};
  const Result<std::size_t> got = file::read_some(socket, MutableByteSpan(&first, 1));
  return got.ok() && got.value() == 1;
}

// When a workload wrote its first byte, watched for beside everything else.
class OutputWatch {
 public:
  OutputWatch(const client::Upgrade& attached, Clock::time_point deadline)
      : attached_(attached), thread_([this, deadline] { watch(deadline); }) {}

  // Waits for it until the deadline.
  std::optional<Clock::time_point> await() {
    thread_.join();
    return first_;
  }
  // What came so far; watches no longer.
  std::optional<Clock::time_point> finish() {
    ::shutdown(attached_.stream.socket.get(), SHUT_RDWR);
    return await();
  }

 private:
  void watch(Clock::time_point deadline) {
    if (attached_.stream.already_read.empty()) {
      if (!readable_until(attached_.stream.socket, deadline)) return;
      std::byte byte{};
      // The stream's end is readable too, and no output.
      if (::recv(attached_.stream.socket.get(), &byte, 1, MSG_PEEK) <= 0) return;
    }
    first_ = Clock::now();
  }

  const client::Upgrade& attached_;
  std::optional<Clock::time_point> first_;  // the thread's until it is joined
  std::jthread thread_;
};

}  // namespace

Result<void> Subject::create() {
  Value host = Value::object();
  if (!target_.runtime.empty()) host.set("Runtime", target_.runtime);
  if (!target_.annotations.empty()) {
    Value annotations = Value::object();
    for (const auto& [key, value] : target_.annotations) annotations.set(key, value);
    host.set("Annotations", std::move(annotations));
  }
  Value body = Value::object();
  body.set("Image", order_.image);
  if (!order_.command.empty()) body.set("Cmd", Value(order_.command));
  body.set("AttachStdout", true);
  body.set("AttachStderr", true);
  // A check would be measured with it, and keeps an emulated machine busy.
  body.set("Healthcheck", Value::Object{{"Test", std::vector<std::string>{"NONE"}}});
  body.set("HostConfig", std::move(host));
  id_ = TRY(workloads_.make(target_.engine, std::move(body)));
  return {};
}

Result<StartTimes> Subject::start(Clock::duration patience) {
  TRY(create());
  client::Client watcher(target_.engine);
  Request attach("POST", cat("/containers/", id_, "/attach"));
  attach.query("stream", "1").query("stdout", "1").query("stderr", "1");
  const client::Upgrade attached = TRY(watcher.upgrade(std::move(attach)));
  const Clock::time_point begin = Clock::now();
  OutputWatch output(attached, begin + patience);
  const Result<client::Reply> started =
      client_.call(Request("POST", cat("/containers/", id_, "/start")));
  StartTimes times;
  times.start = milliseconds(Clock::now() - begin);
  Result<void> replied;
  if (started.ok() && order_.port) {
    replied = await_reply(patience);
    times.reply = milliseconds(Clock::now() - begin);
  }
  // Without a port to wait for, it is the output that tells that it is up.
  const auto wrote = started.ok() && !order_.port ? output.await() : output.finish();
  TRY(started);
  TRY(replied);
  if (!wrote || order_.port) {
    if (std::optional<Error> end = ended()) return std::move(*end);
  }
  if (wrote) times.output = milliseconds(*wrote - begin);
  return times;
}

Result<void> Subject::await_reply(Clock::duration patience) {
  const std::string address = TRY(this->address());
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(*order_.port);
  if (::inet_pton(AF_INET, address.c_str(), &peer.sin_addr) != 1) {
    return fail(ErrorKind::unavailable, "the workload has no address to ask");
  }
  const Clock::time_point deadline = Clock::now() + patience;
  Clock::time_point look = Clock::now() + kLook;
  while (Clock::now() < deadline) {
    if (answers(peer, deadline)) return {};
    if (Clock::now() > look) {
      if (std::optional<Error> end = ended()) return std::move(*end);
      look = Clock::now() + kLook;
    }
    // Nothing tells when a foreign program starts to listen: it has to be asked again.
    ::poll(nullptr, 0, 1);
  }
  return fail(ErrorKind::timeout, "port ", *order_.port, " of ", address, " did not answer");
}

std::optional<Error> Subject::ended() {
  const Result<Value> shown = client_.call_json(Request("GET", cat("/containers/", id_, "/json")));
  if (!shown.ok()) return std::nullopt;
  const std::string status = text_of(member(shown.value(), {"State", "Status"}));
  if (status != "exited" && status != "dead") return std::nullopt;
  const auto* code = member(shown.value(), {"State", "ExitCode"}).get_if<std::int64_t>();
  const std::string words = last_words();
  return fail(ErrorKind::unavailable, "it ended with exit code ", code == nullptr ? -1 : *code,
              " before it could be measured", words.empty() ? ", and wrote nothing" : ":\n", words);
}

std::string Subject::last_words() {
  Request request("GET", cat("/containers/", id_, "/logs"));
  request.query("stdout", "1").query("stderr", "1").query("tail", "5");
  const Result<client::Reply> reply = client_.call(request);
  if (!reply.ok()) return "";
  std::string text;
  client::FrameSplitter frames;
  const Result<void> fed =
      frames.feed(reply.value().body, [&](client::Stream, std::string_view bytes) -> Result<void> {
        text += bytes;
        return {};
      });
  discard(fed, "what came is shown");
  std::string lines;
  for (const std::string_view line : split(trim(text), '\n')) {
    if (!line.empty()) lines += cat(lines.empty() ? "  " : "\n  ", printable(line));
  }
  return lines;
}

Result<std::string> Subject::address() {
  const Value shown = TRY(client_.call_json(Request("GET", cat("/containers/", id_, "/json"))));
  const std::string direct = text_of(member(shown, {"NetworkSettings", "IPAddress"}));
  if (!direct.empty()) return direct;
  const Value& networks = member(shown, {"NetworkSettings", "Networks"});
  if (const auto* members = networks.get_if<Value::Object>()) {
    for (const auto& [name, network] : *members) {
      const std::string address = text_of(member(network, {"IPAddress"}));
      if (!address.empty()) return address;
    }
  }
  return std::string();
}

Result<pid_t> Subject::first_process() {
  const Value shown = TRY(client_.call_json(Request("GET", cat("/containers/", id_, "/json"))));
  const auto* pid = member(shown, {"State", "Pid"}).get_if<std::int64_t>();
  if (pid == nullptr || *pid <= 0) return fail(ErrorKind::not_found, "the workload does not run");
  return static_cast<pid_t>(*pid);
}

Result<std::string> Subject::make_exec(const std::vector<std::string>& arguments) {
  Value body = Value::object();
  body.set("Cmd", Value(arguments));
  body.set("User", "0");
  body.set("AttachStdout", true);
  body.set("AttachStderr", true);
  Request make("POST", cat("/containers/", id_, "/exec"));
  make.body(body);
  const Value made = TRY(client_.call_json(make));
  return text_of(member(made, {"Id"}));
}

Result<void> Subject::run_detached(const std::vector<std::string>& arguments) {
  const std::string exec = TRY(make_exec(arguments));
  Request start("POST", cat("/exec/", exec, "/start"));
  start.body(Value::Object{{"Detach", true}, {"Tty", false}});
  TRY(client_.call(start));
  return {};
}

Result<std::string> Subject::run(const std::vector<std::string>& arguments) {
  const std::string exec = TRY(make_exec(arguments));
  Request start("POST", cat("/exec/", exec, "/start"));
  start.body(Value::Object{{"Detach", false}, {"Tty", false}});
  client::Client streaming(target_.engine);
  const client::Upgrade stream = TRY(streaming.upgrade(std::move(start)));
  std::string raw = stream.stream.already_read;
  raw += TRY(file::read_all(stream.stream.socket));
  std::string output;
  std::string errors;
  client::FrameSplitter frames;
  TRY(frames.feed(raw, [&](client::Stream which, std::string_view bytes) -> Result<void> {
    (which == client::Stream::output ? output : errors) += bytes;
    return {};
  }));
  const Value ended = TRY(client_.call_json(Request("GET", cat("/exec/", exec, "/json"))));
  const auto* code = member(ended, {"ExitCode"}).get_if<std::int64_t>();
  if (code == nullptr || *code != 0) {
    return fail(ErrorKind::unavailable, arguments[0], " ended with ", code == nullptr ? -1 : *code,
                ": ", printable(trim(errors)));
  }
  return output;
}

Result<void> Subject::put_program(const std::string& path, const std::string& bytes) {
  std::string tar = image::print_tar_file({.path = path.substr(1), .mode = 0755}, bytes);
  Request request("PUT", cat("/containers/", id_, "/archive"));
  request.query("path", "/").body(std::move(tar), "application/x-tar");
  TRY(client_.call(request));
  return {};
}

void Subject::remove() {
  if (id_.empty()) return;
  workloads_.remove(target_.engine, id_);
  id_.clear();
}

}  // namespace proa::compare
