#include "image/worker/worker.h"

#include <signal.h>

#include "kernel/socket/packet.h"

namespace proa::image {
namespace {

// A worker's text is foreign: it may have been made by whoever took the worker over.
Error parse_error(const json::Value& value) {
  const json::Reader reader(value, "worker");
  const auto text_at = [&](std::string_view key) -> std::string {
    const auto member = reader.find(key);
    if (!member) return {};
    const Result<std::string> text = member->string();
    return text.ok() ? text.value() : std::string();
  };
  const std::string kind_name = text_at("kind");
  ErrorKind kind = ErrorKind::internal;
  for (int number = 0; number <= static_cast<int>(ErrorKind::internal); ++number) {
    if (name(static_cast<ErrorKind>(number)) == kind_name) kind = static_cast<ErrorKind>(number);
  }
  return Error(kind, printable(text_at("text"), 4000));
}

}  // namespace

std::string_view name(WorkerRole role) {
  switch (role) {
    case WorkerRole::fetch:
      return "fetch";
    case WorkerRole::convert:
      return "convert";
    case WorkerRole::restore:
      return "restore";
    case WorkerRole::unpack:
      return "unpack";
    case WorkerRole::inflate:
      return "inflate";
    case WorkerRole::disk:
      return "disk";
  }
  return "";
}

Result<void> send_message(FdRef end, const json::Value& value,
                          const std::vector<FdRef>& descriptors) {
  return socket::send_packet(end, json::print(value), descriptors);
}

Result<Message> receive_request(FdRef end) {
  std::optional<socket::Packet> packet = TRY(socket::receive_packet(end));
  if (!packet) return Message{};
  Result<json::Value> value = json::parse(packet->text, "message");
  if (!value.ok()) return std::move(value).error().with_kind(ErrorKind::corrupt);
  if (value.value().get_if<json::Value::Object>() == nullptr) {
    return fail(ErrorKind::corrupt, "a message is no object");
  }
  return Message{value.take(), std::move(packet->descriptors)};
}

Result<Message> receive_message(FdRef end) {
  Message message = TRY(receive_request(end));
  if (message.value.is_null()) {
    return fail(ErrorKind::unavailable, "the worker process has ended");
  }
  if (const json::Value* error = message.value.find("error")) return parse_error(*error);
  return message;
}

json::Value error_message(const Error& error) {
  json::Value inner = json::Value::object();
  inner.set("kind", name(error.kind()));
  inner.set("text", printable(error.message(), 4000));
  json::Value value = json::Value::object();
  value.set("error", std::move(inner));
  return value;
}

Result<Worker> Worker::start(const std::string& program, WorkerRole role) {
  auto [ours, theirs] = TRY(socket::packet_pair());
  process::Spawn spawn;
  spawn.program = program;
  spawn.arguments = {"proa-worker", std::string(name(role))};
  spawn.environment = std::vector<std::string>();
  spawn.inherited.emplace_back(FdRef(theirs), kWorkerSocket);
  process::Child child = TRY(process::Child::spawn(spawn));
  return Worker(std::move(child), std::move(ours));
}

void Worker::kill() const { discard(child_.signal(SIGKILL), "it may have ended already"); }

Result<void> Worker::finish() {
  socket_.reset();
  const process::End end = TRY(child_.wait());
  if (end == process::End(process::Exited{0})) return {};
  if (const auto* signalled = std::get_if<process::Signalled>(&end)) {
    return fail(ErrorKind::internal, "the worker process was killed by signal ", signalled->signal);
  }
  return fail(ErrorKind::internal, "the worker process failed");
}

}  // namespace proa::image
