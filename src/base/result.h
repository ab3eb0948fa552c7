// Result<T>: a value or the Error that kept it from being made; TRY unwraps it or returns the
// error to the caller with context added.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace proa {

// Thread: a value; not shared.
template <typename T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  const Error& error() const& { return checked<1>(state_); }
  Error&& error() && { return std::move(checked<1>(state_)); }
  const T& value() const& { return checked<0>(state_); }
  T& value() & { return checked<0>(state_); }
  // Moves the value out.
  T take() { return std::move(checked<0>(state_)); }

 private:
  template <std::size_t kIndex, typename State>
  static auto& checked(State& state) {
    CHECK(state.index() == kIndex);
    return *std::get_if<kIndex>(&state);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  const Error& error() const& {
    CHECK(error_.has_value());
    return *error_;
  }
  Error&& error() && {
    CHECK(error_.has_value());
    return std::move(*error_);
  }
  void take() { CHECK(ok()); }

 private:
  std::optional<Error> error_;
};

// Drops a result on purpose; `why` tells the reader why losing it cannot matter.
template <typename T>
void discard(const Result<T>& /*result*/, const char* /*why*/) {}

namespace internal {

inline Error&& add_context(Error&& error) { return std::move(error); }

template <typename... Pieces>
Error&& add_context(Error&& error, const Pieces&... pieces) {
  return std::move(error).with_context(cat(pieces...));
}

}  // namespace internal
}  // namespace proa

// Unwraps a Result or returns its error, with the pieces of context (built only then) in front:
//   Fd proc = TRY(open_beneath(root, "proc"), "opening 'proc' of ", id);
// One TRY per statement: the statement expression's temporaries end at its semicolon.
#define TRY(expression, ...)                                             \
  __extension__({                                                        \
    auto proa_try_result = (expression);                                 \
    if (!proa_try_result.ok()) [[unlikely]]                              \
      return ::proa::internal::add_context(                              \
          std::move(proa_try_result).error() __VA_OPT__(, __VA_ARGS__)); \
    proa_try_result.take();                                              \
  })
