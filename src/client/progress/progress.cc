#include "client/progress/progress.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "client/format/table.h"
#include "client/format/units.h"

namespace proa::client {
namespace {

std::string text_of(const json::Value& message, std::string_view member) {
  const json::Value* value = message.find(member);
  const auto* text = value == nullptr ? nullptr : value->get_if<std::string>();
  return text == nullptr ? "" : *text;
}

double number_of(const json::Value& message, std::string_view member) {
  const json::Value* value = message.find(member);
  if (value == nullptr) return 0;
  if (const auto* whole = value->get_if<std::int64_t>()) return static_cast<double>(*whole);
  if (const auto* real = value->get_if<double>(); real != nullptr && std::isfinite(*real)) {
    return *real;
  }
  return 0;
}

// What the engine says went wrong, in either of the two places.
std::string error_of_message(const json::Value& message) {
  if (const json::Value* detail = message.find("errorDetail")) {
    if (const std::string text = text_of(*detail, "message"); !text.empty()) return text;
  }
  return text_of(message, "error");
}

// Foreign text goes to a terminal: no control bytes but the harmless ones.
std::string harmless(std::string_view text) {
  std::string kept;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte != 0x7f) kept.push_back(character);
  }
  return kept;
}

}  // namespace

std::string progress_bar(double current, double total, std::size_t room) {
  constexpr std::size_t kLongest = 50;
  if (current <= 0) return "";
  const std::string sizes =
      total > 0 ? cat(human_size(current), "/", human_size(total)) : human_size(current);
  if (total <= 0 || current > total) return room < sizes.size() ? "" : sizes;
  if (room < sizes.size() + 14) return room < sizes.size() ? "" : sizes;
  const std::size_t length = std::min(kLongest, room - sizes.size() - 4);
  const auto filled = static_cast<std::size_t>(current / total * static_cast<double>(length));
  std::string bar(filled, '=');
  if (filled < length) bar.push_back('>');
  bar.resize(length, ' ');
  return cat("[", bar, "]  ", sizes);
}

Result<void> Progress::show_line(const std::string& id, const std::string& line) {
  if (!width_) return output_(line + "\n");
  const auto found = std::ranges::find(ids_, id);
  if (found == ids_.end()) {
    ids_.push_back(id);
    return output_(shorten(line, *width_) + "\n");
  }
  // Up to its line, rewritten, and down again to below the last.
  const auto up = ids_.end() - found;
  return output_(cat("\x1b[", up, "A\r\x1b[2K", shorten(line, *width_), "\r\x1b[", up, "B"));
}

Result<void> Progress::show(const json::Value& message) {
  if (const std::string error = error_of_message(message); !error.empty()) {
    return fail(ErrorKind::internal, error);
  }
  if (const std::string stream = text_of(message, "stream"); !stream.empty()) {
    ids_.clear();
    return output_(stream);
  }
  const std::string status = harmless(text_of(message, "status"));
  const std::string id = harmless(text_of(message, "id"));
  if (status.empty()) return {};
  if (id.empty()) {
    ids_.clear();
    return output_(status + "\n");
  }
  std::string line = cat(id, ": ", status);
  const json::Value* detail = message.find("progressDetail");
  const double current = detail == nullptr ? 0 : number_of(*detail, "current");
  // Elsewhere than on a terminal bytes that go by are no news.
  if (!width_ && current > 0) return {};
  if (width_ && current > 0) {
    const std::size_t used = display_width(line) + 1;
    const std::string bar =
        progress_bar(current, number_of(*detail, "total"), *width_ > used ? *width_ - used : 0);
    if (!bar.empty()) line.append(" ").append(bar);
  }
  return show_line(id, line);
}

}  // namespace proa::client
