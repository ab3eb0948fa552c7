#include "io/stream_mux.h"

#include <algorithm>
#include <array>

#include "kernel/file/stream.h"
#include "kernel/socket/unix_stream.h"
#include "wire/codec.h"

namespace proa::io {
namespace {

constexpr std::size_t kPiece = 16384;  // bytes of one message

}  // namespace

StreamMux::~StreamMux() {
  for (auto& [stream, source] : sources_) {
    if (source.watched) loop_.forget(source.fd);
  }
  for (auto& [stream, sink] : sinks_) {
    if (sink.watched) loop_.forget(sink.fd);
  }
}

Result<void> StreamMux::send_from(std::uint32_t stream, Fd fd) {
  if (stream == 0 || !fd.valid()) return {};
  TRY(socket::set_blocking(fd, socket::Blocking::no));
  Source& source = sources_[stream];
  source.fd = std::move(fd);
  watch_source(stream, source);
  return {};
}

void StreamMux::watch_source(std::uint32_t stream, Source& source) {
  const bool wanted = source.credit > 0;
  if (wanted == source.watched) return;
  source.watched = wanted;
  // Not only without an interest: a hang-up would be told again and again.
  if (!wanted) return loop_.forget(source.fd);
  const Result<void> watched =
      loop_.watch(source.fd, {.readable = true}, [this, stream](Readiness) { on_source(stream); });
  if (!watched.ok()) {
    source.watched = false;
    end_source(stream);
  }
}

void StreamMux::on_source(std::uint32_t stream) {
  Source& source = sources_.at(stream);
  std::array<std::byte, kPiece> buffer;
  const std::size_t room = std::min<std::uint64_t>(buffer.size(), source.credit);
  const auto count = file::read_available(source.fd, MutableByteSpan(buffer).first(room));
  if (count.ok() && !count.value()) return;
  if (!count.ok() || *count.value() == 0) return end_source(stream);
  source.credit -= *count.value();
  wire::StreamData data{.stream = stream};
  data.bytes = text_of(ByteSpan(buffer).first(*count.value()));
  watch_source(stream, source);
  send_(wire::MessageType::stream_data, wire::encode(data));
}

void StreamMux::end_source(std::uint32_t stream) {
  const auto found = sources_.find(stream);
  if (found->second.watched) loop_.forget(found->second.fd);
  sources_.erase(found);
  send_(wire::MessageType::stream_data, wire::encode(wire::StreamData{stream, true, {}}));
}

void StreamMux::expect(std::uint32_t stream) {
  if (stream != 0) sinks_[stream];
}

Result<void> StreamMux::connect(std::uint32_t stream, Fd fd) {
  const auto found = sinks_.find(stream);
  if (found == sinks_.end()) return {};
  if (!fd.valid()) {
    refuse(stream);
    return {};
  }
  TRY(socket::set_blocking(fd, socket::Blocking::no));
  found->second.fd = std::move(fd);
  flush_sink(stream);
  return {};
}

void StreamMux::refuse(std::uint32_t stream) {
  const auto found = sinks_.find(stream);
  if (found == sinks_.end()) return;
  const bool tell = !found->second.ended;
  drop_sink(stream);
  if (tell) send_(wire::MessageType::stream_data, wire::encode(wire::StreamData{stream, true, {}}));
}

void StreamMux::drop_sink(std::uint32_t stream) {
  const auto found = sinks_.find(stream);
  if (found->second.watched) loop_.forget(found->second.fd);
  sinks_.erase(found);
}

Result<void> StreamMux::on_data(wire::StreamData data) {
  if (const auto source = sources_.find(data.stream); source != sources_.end()) {
    // Against the stream: nobody reads it.
    if (source->second.watched) loop_.forget(source->second.fd);
    sources_.erase(source);
    return {};
  }
  const auto found = sinks_.find(data.stream);
  if (found == sinks_.end()) return {};
  Sink& sink = found->second;
  if (sink.ended) return fail(ErrorKind::corrupt, "a stream goes on after its end");
  if (sink.pending.size() + data.bytes.size() > wire::kStreamWindow) {
    return fail(ErrorKind::corrupt, "a stream brought more than its credit");
  }
  sink.pending += data.bytes;
  sink.ended = data.end;
  flush_sink(data.stream);
  return {};
}

void StreamMux::on_credit(const wire::StreamCredit& credit) {
  const auto found = sources_.find(credit.stream);
  if (found == sources_.end()) return;
  Source& source = found->second;
  source.credit = std::min<std::uint64_t>(source.credit + credit.bytes, wire::kStreamWindow);
  watch_source(credit.stream, source);
}

void StreamMux::flush_sink(std::uint32_t stream) {
  Sink& sink = sinks_.at(stream);
  if (!sink.fd.valid()) return;
  std::uint32_t written = 0;
  while (!sink.pending.empty()) {
    const auto count = file::write_some(sink.fd, sink.pending);
    if (!count.ok()) return refuse(stream);
    if (count.value() == 0) break;
    sink.pending.erase(0, count.value());
    written += static_cast<std::uint32_t>(count.value());
  }
  if (sink.pending.empty() && sink.ended) return drop_sink(stream);
  const bool wait = !sink.pending.empty();
  if (wait != sink.watched) {
    sink.watched = wait;
    if (!wait) {
      loop_.forget(sink.fd);
    } else if (!loop_
                    .watch(sink.fd, {.writable = true},
                           [this, stream](Readiness) { flush_sink(stream); })
                    .ok()) {
      sink.watched = false;
      return refuse(stream);
    }
  }
  if (written > 0 && !sink.ended) {
    send_(wire::MessageType::stream_credit, wire::encode(wire::StreamCredit{stream, written}));
  }
}

}  // namespace proa::io
