#include "client/stream/json_lines.h"

#include "base/text.h"

namespace proa::client {
namespace {

constexpr std::size_t kMaxValue = std::size_t{16} << 20;

bool is_blank(char character) {
  return character == ' ' || character == '\n' || character == '\r' || character == '\t' ||
         character == '\x1e';  // the separator of RFC 7464
}

}  // namespace

Result<void> JsonSplitter::feed(std::string_view bytes, const Sink& sink) {
  for (const char character : bytes) {
    if (pending_.empty()) {
      if (is_blank(character)) continue;
      if (character != '{') {
        return fail(ErrorKind::corrupt, "the engine sent '", printable(bytes, 80),
                    "' where a JSON object should begin");
      }
    }
    pending_.push_back(character);
    if (pending_.size() > kMaxValue) {
      return fail(ErrorKind::corrupt, "the engine sent a JSON object of more than 16 MiB");
    }
    if (in_text_) {
      in_text_ = escaped_ || character != '"';
      escaped_ = !escaped_ && character == '\\';
    } else if (character == '"') {
      in_text_ = true;
    } else if (character == '{') {
      ++depth_;
    } else if (character == '}' && --depth_ == 0) {
      json::Value value = TRY(json::parse(pending_, "the engine's answer"));
      pending_.clear();
      TRY(sink(std::move(value)));
    }
  }
  return {};
}

Result<void> for_each_value(Connection& connection, const JsonSplitter::Sink& sink) {
  JsonSplitter splitter;
  while (true) {
    const std::optional<std::string_view> piece = TRY(connection.next());
    if (!piece) break;
    TRY(splitter.feed(*piece, sink));
  }
  if (splitter.between_values()) return {};
  return fail(ErrorKind::corrupt, "the engine's answer ends in the middle of a JSON object");
}

}  // namespace proa::client
