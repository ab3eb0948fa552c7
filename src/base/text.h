// Small text tools: putting pieces together, taking lines apart, checked numbers. Bytes are
// bytes here: nothing knows about locales.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace proa {

// One argument of cat(): borrows text, or prints a number into its own few bytes.
// Thread: a temporary within one expression.
class Piece {
 public:
  Piece(std::string_view text) : text_(text) {}
  Piece(const std::string& text) : text_(text) {}
  Piece(const char* text) : text_(text) {}
  Piece(char character) : digits_{character}, text_(digits_, 1) {}
  template <std::integral Number>
    requires(!std::same_as<Number, char> && !std::same_as<Number, bool>)
  Piece(Number number) {
    const auto printed = std::to_chars(digits_, digits_ + sizeof digits_, number);
    text_ = std::string_view(digits_, static_cast<std::size_t>(printed.ptr - digits_));
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  std::string_view text() const { return text_; }

 private:
  char digits_[24] = {};
  std::string_view text_;
};

std::string cat_pieces(std::initializer_list<std::string_view> pieces);

// Puts texts, characters and integers together.
template <typename... Pieces>
std::string cat(const Pieces&... pieces) {
  return cat_pieces({Piece(pieces).text()...});
}

// Splits at every `separator`; "" gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
// Splits at the first `separator`; the second part is empty where there is none.
std::pair<std::string_view, std::string_view> split_once(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
// Takes spaces, tabs, carriage returns and line feeds off both ends.
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);

// Makes foreign text safe to print: control bytes as \xNN, cut after `limit` bytes with "...".
std::string printable(std::string_view text, std::size_t limit = 200);

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(std::string_view bytes);
// An address or a flag word for messages: "0x1f".
std::string hex(std::uint64_t number);

}  // namespace proa
