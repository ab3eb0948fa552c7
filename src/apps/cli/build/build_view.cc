#include "apps/cli/build/build_view.h"

#include <algorithm>
#include <cstdio>

#include "apps/cli/call.h"
#include "base/text.h"

namespace proa::cli {
namespace {

constexpr std::size_t kTail = 5;
constexpr std::size_t kMaxLog = std::size_t{2} << 20;

std::string seconds_text(std::chrono::steady_clock::duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  std::array<char, 32> text;
  const int size = std::snprintf(text.data(), text.size(), "%.1fs", seconds);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

}  // namespace

void BuildView::take_output(Step& step, std::string_view text) {
  if (step.log.size() < kMaxLog) step.log += text;
  step.partial += text;
  for (std::size_t end = step.partial.find('\n'); end != std::string::npos;
       end = step.partial.find('\n')) {
    step.tail.push_back(step.partial.substr(0, end));
    step.partial.erase(0, end + 1);
    // Plain lines are all shown.
    if (width_ && step.tail.size() > kTail) step.tail.erase(step.tail.begin());
  }
}

Result<void> BuildView::show(const json::Value& event) {
  const std::string kind = text_at(event, "Event");
  const std::string text = text_at(event, "Text");
  const int number = static_cast<int>(number_at(event, "Step"));
  if (kind == "started") {
    Step& step = running_[number];
    step.title = text;
    step.begun = Clock::now();
  }
  const auto step = running_.find(number);
  if (kind == "output" && step != running_.end()) take_output(step->second, text);
  if (kind == "failed" && step != running_.end()) failed_log_ = step->second.log;
  return width_ ? show_fancy(number, kind, text) : show_plain(number, kind, text);
}

Result<void> BuildView::show_plain(int number, const std::string& kind, const std::string& text) {
  const auto step = running_.find(number);
  if (kind == "note") return output_(cat(text, "\n"));
  if (step == running_.end()) return {};
  if (kind == "started") return output_(cat("#", number, " ", text, "\n"));
  if (kind == "output") {
    std::string lines;
    for (const std::string& line : step->second.tail) lines += cat("#", number, " ", line, "\n");
    step->second.tail.clear();
    return lines.empty() ? Result<void>() : output_(lines);
  }
  std::string lines;
  if (!step->second.partial.empty()) lines = cat("#", number, " ", step->second.partial, "\n");
  const std::string time = seconds_text(Clock::now() - step->second.begun);
  if (kind == "cached") lines += cat("#", number, " CACHED\n");
  if (kind == "done") lines += cat("#", number, " DONE ", time, "\n");
  if (kind == "failed") lines += cat("#", number, " ERROR ", time, "\n");
  running_.erase(step);
  return output_(lines);
}

std::string BuildView::line_of(std::string_view mark, const Step& step,
                               std::string_view time) const {
  const std::size_t room = width_.value_or(80) - std::min(width_.value_or(80), time.size() + 5);
  std::string title = step.title.substr(0, room);
  title.append(room - title.size(), ' ');
  return cat(" ", mark, " ", title, " ", time, "\n");
}

Result<void> BuildView::show_fancy(int number, const std::string& kind, const std::string& text) {
  if (kind == "note") return redraw(cat(" ! ", text, "\n"));
  const auto step = running_.find(number);
  if (step == running_.end()) return {};
  if (kind == "started" || kind == "output") return redraw("");
  const std::string_view mark = kind == "failed" ? "x" : "=";
  const std::string time =
      kind == "cached" ? "CACHED" : seconds_text(Clock::now() - step->second.begun);
  const std::string line = line_of(mark, step->second, time);
  running_.erase(step);
  return redraw(line);
}

// Goes back over what was drawn last, writes what is over once and for all, and the rest anew.
Result<void> BuildView::redraw(std::string_view finished_line) {
  std::string out;
  if (drawn_ > 0) out += cat("\x1b[", drawn_, "A\x1b[J");
  out += finished_line;
  drawn_ = 0;
  const auto now = Clock::now();
  for (const auto& [number, step] : running_) {
    out += line_of(">", step, seconds_text(now - step.begun));
    ++drawn_;
    for (const std::string& line : step.tail) {
      out += cat("   \x1b[2m", printable(line, width_.value_or(80) - 4), "\x1b[0m\n");
      ++drawn_;
    }
  }
  return output_(out);
}

Result<void> BuildView::finish() {
  if (!width_) return {};
  running_.clear();
  return redraw(cat(" built in ", seconds_text(Clock::now() - begun_), "\n"));
}

}  // namespace proa::cli
