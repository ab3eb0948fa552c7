// The encoding of one message or journal record: fields in any order, each a little-endian u16
// number, u32 length and that many bytes. Pure: no system calls, no allocation beyond the input's
// size. The format is docs/formats/wire.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fields.h"
#include "base/result.h"

namespace proa::wire {

// Lists of fewer elements than this, and structs nested less deep, decode; the rest is corrupt.
constexpr std::size_t kMaxElements = 1 << 20;
constexpr int kMaxDepth = 8;

// Takes fields out of encoded bytes one by one.
// Owner: borrows the bytes. Thread: a value.
class FieldCursor {
 public:
  explicit FieldCursor(std::string_view bytes) : rest_(bytes) {}
  // The next field, or false at the end. Errors: corrupt (a field runs past the end)
  Result<bool> next();
  int number() const { return number_; }
  std::string_view content() const { return content_; }

 private:
  std::string_view rest_;
  std::string_view content_;
  int number_ = 0;
};

void put_field(std::string& out, int number, std::string_view content);
void put_integer(std::string& out, int number, std::uint64_t value);
// Errors: corrupt (not 8 bytes)
Result<std::uint64_t> get_integer(std::string_view content);

template <typename T>
std::string encode(const T& message);
template <typename T>
Result<void> decode_into(std::string_view bytes, T& message, int depth);

namespace internal {

struct Encoder {
  std::string& out;

  template <typename T>
  void operator()(int number, const char*, const T& member) {
    if constexpr (OptionalField<T>) {
      if (member) (*this)(number, "", *member);
    } else if constexpr (VectorField<T>) {
      for (const auto& element : member) (*this)(number, "", element);
    } else if constexpr (StringMapField<T>) {
      for (const auto& [key, mapped] : member) {
        std::string pair;
        put_field(pair, 1, key);
        Encoder{pair}(2, "", mapped);
        put_field(out, number, pair);
      }
    } else if constexpr (Fielded<T>) {
      put_field(out, number, encode(member));
    } else if constexpr (std::is_enum_v<T> || std::integral<T>) {
      put_integer(out, number, static_cast<std::uint64_t>(member));
    } else {
      put_field(out, number, member);
    }
  }
};

// Decodes one field's content into a member of any kind but a list.
template <typename T>
Result<void> decode_one(std::string_view content, T& member, int depth) {
  if constexpr (Fielded<T>) {
    return decode_into(content, member, depth + 1);
  } else if constexpr (std::is_enum_v<T> || std::integral<T>) {
    const std::uint64_t value = TRY(get_integer(content));
    member = static_cast<T>(value);
    // Signed members travel sign-extended: what comes back unequal was never one of T's values.
    if (static_cast<std::uint64_t>(member) != value) {
      return fail(ErrorKind::corrupt, "field value ", value, " is out of range");
    }
    return {};
  } else {
    member = std::string(content);
    return {};
  }
}

template <typename Mapped>
Result<void> decode_pair(std::string_view content, std::map<std::string, Mapped>& into, int depth) {
  FieldCursor cursor(content);
  std::string key;
  Mapped mapped = {};
  while (TRY(cursor.next())) {
    if (cursor.number() == 1) key = std::string(cursor.content());
    if (cursor.number() == 2) TRY(decode_one(cursor.content(), mapped, depth));
  }
  into.insert_or_assign(std::move(key), std::move(mapped));
  return {};
}

struct Decoder {
  int number;
  std::string_view content;
  int depth;
  Result<void> outcome = {};

  template <typename T>
  void operator()(int candidate, const char*, T& member) {
    if (candidate != number || !outcome.ok()) return;
    if constexpr (OptionalField<T>) {
      outcome = decode_one(content, member.emplace(), depth);
    } else if constexpr (VectorField<T>) {
      if (member.size() >= kMaxElements) {
        outcome = fail(ErrorKind::corrupt, "a list has more than ", kMaxElements, " elements");
      } else {
        outcome = decode_one(content, member.emplace_back(), depth);
      }
    } else if constexpr (StringMapField<T>) {
      outcome = decode_pair(content, member, depth);
    } else {
      outcome = decode_one(content, member, depth);
    }
  }
};

}  // namespace internal

template <typename T>
std::string encode(const T& message) {
  std::string out;
  internal::Encoder encoder{out};
  T::fields(encoder, message);
  return out;
}

template <typename T>
Result<void> decode_into(std::string_view bytes, T& message, int depth) {
  if (depth >= kMaxDepth) return fail(ErrorKind::corrupt, "structs are nested too deep");
  FieldCursor cursor(bytes);
  while (TRY(cursor.next())) {
    internal::Decoder decoder{cursor.number(), cursor.content(), depth};
    T::fields(decoder, message);
    TRY(std::move(decoder.outcome), "field ", cursor.number());
  }
  return {};
}

// Errors: corrupt
template <typename T>
Result<T> decode(std::string_view bytes) {
  T message;
  TRY(decode_into(bytes, message, 0));
  return message;
}

}  // namespace proa::wire
