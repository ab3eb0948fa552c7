#include "client/stream/detach_keys.h"

#include "base/text.h"

namespace proa::client {

Result<DetachKeys> DetachKeys::parse(std::string_view text) {
  constexpr std::string_view kControl = "ctrl-";
  std::string sequence;
  if (text.empty()) return DetachKeys(std::move(sequence));
  for (const std::string_view key : split(text, ',')) {
    if (key.size() == 1) {
      sequence.append(key);
      continue;
    }
    const char letter = key.size() == kControl.size() + 1 ? key.back() : '\0';
    const bool known =
        (letter >= 'a' && letter <= 'z') || (letter >= '[' && letter <= '_') || letter == '@';
    if (!key.starts_with(kControl) || !known) {
      return fail(ErrorKind::invalid_argument, "detach keys '", printable(text), "': '",
                  printable(key), "' is no key");
    }
    sequence.push_back(static_cast<char>(letter & 0x1f));
  }
  return DetachKeys(std::move(sequence));
}

DetachKeys::Passed DetachKeys::feed(std::string_view typed) {
  Passed passed;
  if (sequence_.empty()) return {std::string(typed), false};
  for (const char key : typed) {
    if (key == sequence_[matched_]) {
      if (++matched_ == sequence_.size()) {
        passed.detached = true;
        return passed;
      }
      continue;
    }
    passed.bytes.append(sequence_, 0, matched_);
    matched_ = key == sequence_.front() ? 1 : 0;
    if (matched_ == 0) passed.bytes.push_back(key);
  }
  return passed;
}

}  // namespace proa::client
