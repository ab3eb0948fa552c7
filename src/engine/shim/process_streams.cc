#include "engine/shim/process_streams.h"

#include <array>

#include "base/json.h"
#include "kernel/file/stream.h"
#include "kernel/socket/unix_stream.h"

namespace proa::engine {
namespace {

constexpr std::size_t kPiece = 16384;  // bytes read at once
constexpr char kEndFrame = 16;

// docker's frame head: the stream's number, three zeros, the length in big-endian.
std::string frame_head(char stream, std::size_t length) {
  const Be32 size = static_cast<std::uint32_t>(length);
  return std::string{stream, 0, 0, 0} + std::string(text_of(bytes_of(size)));
}

std::string end_report(const wire::Ending& ending) {
  json::Value report;
  report.set("ExitCode", ending.shell_code());
  report.set("Error", ending.failure);
  return json::print(report);
}

}  // namespace

ProcessStreams::~ProcessStreams() {
  loop_.cancel(drain_timer_);
  for (const Fd* fd : {&input_, &output_, &error_}) {
    if (fd->valid()) loop_.forget(*fd);
  }
  for (Client& client : clients_) {
    if (client.connection.valid()) loop_.forget(client.connection);
  }
}

Result<void> ProcessStreams::attach(Fd connection, wire::Attachment wanted) {
  TRY(socket::set_blocking(connection, socket::Blocking::no));
  const ClientPlace client = clients_.emplace(clients_.end());
  client->connection = std::move(connection);
  client->wanted = std::move(wanted);
  client->unsent = std::exchange(client->wanted.early_output, {});
  pending_input_ += std::exchange(client->wanted.early_input, {});
  Result<void> watched =
      loop_.watch(client->connection, {.readable = true},
                  [this, client](io::Readiness readiness) { on_client(client, readiness); });
  if (!watched.ok()) {
    clients_.erase(client);
    return watched;
  }
  flush_client(*client);
  if (begun_) flush_input();
  update_interest(*client);
  return {};
}

Result<void> ProcessStreams::begin(hull::Streams streams) {
  begun_ = true;
  input_ = std::move(streams.input);
  output_ = std::move(streams.output);
  error_ = std::move(streams.error);
  for (const Fd* fd : {&input_, &output_, &error_}) {
    if (fd->valid()) TRY(socket::set_blocking(*fd, socket::Blocking::no));
  }
  watch_sources();
  // Clients may have filled the buffer before there was anybody to read it.
  on_input_writable();
  return {};
}

void ProcessStreams::watch_sources() {
  const bool wanted = !held_up();
  if (!begun_ || wanted == sources_watched_) return;
  sources_watched_ = wanted;
  for (const StreamKind stream : {StreamKind::output, StreamKind::error}) {
    Fd& fd = source(stream);
    if (!fd.valid()) continue;
    if (!wanted) {
      loop_.forget(fd);
    } else {
      discard(
          loop_.watch(fd, {.readable = true}, [this, stream](io::Readiness) { on_source(stream); }),
          "the streams then end at the drain limit");
    }
  }
}

bool ProcessStreams::held_up() const {
  for (const Client& client : clients_) {
    if (!client.gone && client.unsent.size() > kClientBuffer) return true;
  }
  return false;
}

void ProcessStreams::on_source(StreamKind stream) {
  std::array<std::byte, kPiece> buffer;
  const auto count = file::read_available(source(stream), buffer);
  if (count.ok() && !count.value()) return;
  if (!count.ok() || *count.value() == 0) return source_ended(stream);
  deliver(stream, text_of(ByteSpan(buffer).first(*count.value())));
}

void ProcessStreams::source_ended(StreamKind stream) {
  Fd& fd = source(stream);
  loop_.forget(fd);
  fd.reset();
  if (ending_ && !output_.valid() && !error_.valid()) complete();
}

void ProcessStreams::deliver(StreamKind stream, std::string_view bytes) {
  log_(stream, bytes);
  for (Client& client : clients_) {
    const bool wanted = stream == StreamKind::error ? client.wanted.error : client.wanted.output;
    if (wanted && !client.gone) queue(client, stream, bytes);
  }
  sweep();
}

void ProcessStreams::queue(Client& client, StreamKind stream, std::string_view bytes) {
  if (client.wanted.framed) client.unsent += frame_head(static_cast<char>(stream), bytes.size());
  client.unsent += bytes;
  flush_client(client);
  update_interest(client);
}

void ProcessStreams::finish(const wire::Ending& ending, io::Task drained) {
  ending_ = ending;
  drained_ = std::move(drained);
  close_input();
  if (!output_.valid() && !error_.valid()) return complete();
  drain_timer_ = loop_.after(kDrainLimit, [this] {
    drain_timer_ = 0;
    for (Fd* fd : {&output_, &error_}) {
      if (!fd->valid()) continue;
      loop_.forget(*fd);
      fd->reset();
    }
    complete();
  });
}

void ProcessStreams::complete() {
  loop_.cancel(std::exchange(drain_timer_, 0));
  begun_ = false;
  sources_watched_ = false;
  // The supervisor makes the outcome durable before any client may hear of it.
  io::Task drained = std::move(drained_);
  if (drained) drained();
  for (Client& client : clients_) {
    if (client.wanted.report_end && client.wanted.framed) {
      const std::string report = end_report(*ending_);
      client.unsent += frame_head(kEndFrame, report.size()) + report;
    }
    client.closing = true;
    flush_client(client);
    update_interest(client);
  }
  ending_.reset();
  pending_input_.clear();
  close_input_when_sent_ = false;
  sweep_later();
}

// Later, and not at all should the owner drop these streams in answer to what it is told now.
void ProcessStreams::sweep_later() {
  loop_.cancel(drain_timer_);
  drain_timer_ = loop_.after(io::Clock::duration(0), [this] {
    drain_timer_ = 0;
    sweep();
  });
}

void ProcessStreams::dismiss() {
  for (Client& client : clients_) {
    client.closing = true;
    flush_client(client);
    update_interest(client);
  }
  sweep_later();
}

void ProcessStreams::on_client(ClientPlace client, io::Readiness readiness) {
  if (readiness.writable) flush_client(*client);
  if (readiness.closed) {
    // Whatever a client sent before it went still counts as input.
    if (client->wanted.input && !client->input_ended) read_client(*client);
    client->gone = true;
  } else if (readiness.readable) {
    read_client(*client);
  }
  update_interest(*client);
  sweep();
}

void ProcessStreams::read_client(Client& client) {
  std::array<std::byte, kPiece> buffer;
  const auto count = file::read_available(client.connection, buffer);
  if (!count.ok()) {
    client.gone = true;
    return;
  }
  if (!count.value()) return;
  if (*count.value() == 0) {
    client.input_ended = true;
    if (client.wanted.input && !client.wanted.keep_input) {
      close_input_when_sent_ = true;
      flush_input();
    }
    return;
  }
  std::string bytes(text_of(ByteSpan(buffer).first(*count.value())));
  if (scan_keys(client, bytes)) {
    client.closing = true;
    flush_client(client);
  }
  if (!client.wanted.input) return;
  pending_input_ += bytes;
  flush_input();
}

bool ProcessStreams::scan_keys(Client& client, std::string& bytes) {
  const std::string& keys = client.wanted.detach_keys;
  if (keys.empty()) return false;
  std::string kept;
  for (const char byte : bytes) {
    if (byte == keys[client.matched_keys]) {
      if (++client.matched_keys == keys.size()) {
        bytes = kept;
        return true;
      }
      continue;
    }
    // The beginning of the sequence was input after all.
    kept += keys.substr(0, client.matched_keys);
    client.matched_keys = byte == keys[0] ? 1 : 0;
    if (client.matched_keys == 0) kept += byte;
  }
  bytes = kept;
  return false;
}

void ProcessStreams::flush_client(Client& client) {
  while (!client.unsent.empty() && !client.gone) {
    const auto sent = file::write_some(client.connection, client.unsent);
    if (!sent.ok()) client.gone = true;
    if (!sent.ok() || sent.value() == 0) break;
    client.unsent.erase(0, sent.value());
  }
  if (client.unsent.empty()) {
    client.unsent.shrink_to_fit();
    if (client.closing) client.gone = true;
  }
}

void ProcessStreams::update_interest(Client& client) {
  if (client.gone) return;
  const bool room = !client.wanted.input || pending_input_.size() < kInputBuffer;
  discard(loop_.change(client.connection, {.readable = !client.input_ended && room,
                                           .writable = !client.unsent.empty()}),
          "a client whose connection cannot be watched is found gone at the next write");
}

void ProcessStreams::flush_input() {
  if (!begun_) return;
  while (!pending_input_.empty() && input_.valid()) {
    const auto written = file::write_some(input_, pending_input_);
    if (!written.ok()) {
      close_input();
      break;
    }
    if (written.value() == 0) break;
    pending_input_.erase(0, written.value());
  }
  if (!input_.valid()) pending_input_.clear();
  if (pending_input_.empty() && close_input_when_sent_) return close_input();
  const bool wait = !pending_input_.empty();
  if (wait == input_watched_) return;
  input_watched_ = wait;
  if (!wait) return loop_.forget(input_);
  discard(loop_.watch(input_, {.writable = true}, [this](io::Readiness) { on_input_writable(); }),
          "input that cannot be watched waits for the next piece");
}

void ProcessStreams::on_input_writable() {
  flush_input();
  for (Client& client : clients_) update_interest(client);
}

void ProcessStreams::close_input() {
  if (!input_.valid()) return;
  if (std::exchange(input_watched_, false)) loop_.forget(input_);
  input_.reset();
}

void ProcessStreams::sweep() {
  const bool had_clients = !clients_.empty();
  for (ClientPlace client = clients_.begin(); client != clients_.end();) {
    if (!client->gone) {
      ++client;
      continue;
    }
    loop_.forget(client->connection);
    client = clients_.erase(client);
  }
  watch_sources();
  if (had_clients && clients_.empty() && on_empty_) on_empty_();
}

}  // namespace proa::engine
