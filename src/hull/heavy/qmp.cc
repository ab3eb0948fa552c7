#include "hull/heavy/qmp.h"

#include <array>

#include "kernel/file/stream.h"
#include "kernel/socket/unix_stream.h"

namespace proa::hull {

Result<std::optional<json::Value>> QmpReader::next() {
  const std::size_t end = pending_.find('\n');
  if (end == std::string::npos) {
    if (pending_.size() > kMaxLine) return fail(ErrorKind::corrupt, "QMP: a line is too long");
    return std::optional<json::Value>();
  }
  Result<json::Value> object = json::parse(std::string_view(pending_).substr(0, end), "QMP");
  pending_.erase(0, end + 1);
  if (!object.ok() || object.value().get_if<json::Value::Object>() == nullptr) {
    return fail(ErrorKind::corrupt, "QMP: a line is no object");
  }
  return std::optional<json::Value>(object.take());
}

Result<std::unique_ptr<QmpClient>> QmpClient::open(io::Loop& loop, Fd socket, OnEvent on_event) {
  TRY(socket::set_blocking(socket, socket::Blocking::no));
  std::unique_ptr<QmpClient> client(new QmpClient(loop, std::move(socket), std::move(on_event)));
  TRY(loop.watch(client->socket_, {.readable = true},
                 [raw = client.get()](io::Readiness) { raw->take(); }));
  client->command("qmp_capabilities", [](const Result<void>&) {});
  return client;
}

QmpClient::~QmpClient() {
  if (socket_.valid()) loop_.forget(socket_);
}

void QmpClient::command(const std::string& name, Done<> done) {
  if (!socket_.valid()) return done(fail(ErrorKind::unavailable, "QEMU has gone"));
  json::Value request;
  request.set("execute", name);
  const std::string line = json::print(request) + "\n";
  // A command is shorter than a socket's buffer, and few are under way.
  const auto sent = file::write_some(socket_, line);
  if (!sent.ok() || sent.value() != line.size()) {
    return done(fail(ErrorKind::unavailable, "QEMU takes no commands"));
  }
  waiting_.push_back(std::move(done));
}

bool QmpClient::take() {
  std::array<std::byte, 4096> buffer;
  const auto count = file::read_available(socket_, buffer);
  if (count.ok() && !count.value()) return false;
  if (!count.ok() || *count.value() == 0) {
    end();
    return false;
  }
  reader_.feed(text_of(ByteSpan(buffer).first(*count.value())));
  while (true) {
    auto object = reader_.next();
    if (object.ok() && !object.value()) return true;
    if (object.ok() && on_object(**&object.value()).ok()) continue;
    end();
    return false;
  }
}

void QmpClient::take_rest() {
  while (socket_.valid() && take()) continue;
}

Result<void> QmpClient::on_object(const json::Value& object) {
  const json::Reader reader(object, "QMP");
  if (const auto event = reader.find("event")) {
    static const json::Value kNothing;
    const json::Value* data = object.find("data");
    on_event_(TRY(event->string()), data != nullptr ? *data : kNothing);
    return {};
  }
  const bool failed = object.find("error") != nullptr;
  if (!failed && object.find("return") == nullptr) return {};  // the greeting
  if (waiting_.empty()) return fail(ErrorKind::corrupt, "QMP: an answer that nobody asked for");
  Done<> done = std::move(waiting_.front());
  waiting_.pop_front();
  if (!failed) {
    done({});
    return {};
  }
  const json::Reader error = TRY(reader.at("error"));
  const json::Reader description = TRY(error.at("desc"));
  done(fail(ErrorKind::internal, "QEMU: ", printable(TRY(description.string()))));
  return {};
}

void QmpClient::end() {
  loop_.forget(socket_);
  socket_.reset();
  std::deque<Done<>> waiting = std::exchange(waiting_, {});
  for (Done<>& done : waiting) done(fail(ErrorKind::unavailable, "QEMU has gone"));
}

}  // namespace proa::hull
