#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "base/number.h"
#include "base/rollback.h"

namespace proa {
namespace {

Result<std::unique_ptr<int>> half_of(int number) {
  if (number % 2 != 0) return fail(ErrorKind::invalid_argument, number, " is odd");
  return std::make_unique<int>(number / 2);
}

Result<int> quarter_of(int number, int& contexts_built) {
  const auto context = [&] {
    ++contexts_built;
    return std::string("halving");
  };
  const std::unique_ptr<int> half = TRY(half_of(number), context(), " ", number);
  const std::unique_ptr<int> quarter = TRY(half_of(*half));
  return *quarter;
}

TEST(Result, try_unwraps_move_only_values_and_builds_no_context) {
  int contexts_built = 0;
  const Result<int> quarter = quarter_of(8, contexts_built);
  ASSERT_TRUE(quarter.ok());
  EXPECT_EQ(quarter.value(), 2);
  EXPECT_EQ(contexts_built, 0);
}

TEST(Result, try_returns_the_error_with_context_in_front) {
  int contexts_built = 0;
  const Result<int> quarter = quarter_of(3, contexts_built);
  ASSERT_FALSE(quarter.ok());
  EXPECT_EQ(quarter.error().message(), "halving 3: 3 is odd");
  EXPECT_EQ(quarter.error().kind(), ErrorKind::invalid_argument);
}

TEST(Error, errno_gives_kind_and_description) {
  const Error error = fail_with(ENOENT, "opening '", "x", "'");
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.message(), "opening 'x': No such file or directory");
}

TEST(Number, parse_takes_whole_numbers_only) {
  EXPECT_EQ(parse_number<int>("-12").value(), -12);
  EXPECT_FALSE(parse_number<unsigned>("-1").ok());
  EXPECT_FALSE(parse_number<int>("12 ").ok());
  EXPECT_FALSE(parse_number<int>("").ok());
  EXPECT_FALSE(parse_number<std::uint8_t>("256").ok());
}

TEST(Number, checked_arithmetic_refuses_to_wrap) {
  EXPECT_EQ(checked_add(2U, 3U).value(), 5U);
  EXPECT_FALSE(checked_add(~0U, 1U).ok());
  EXPECT_FALSE(checked_multiply(~0U, 2U).ok());
}

TEST(Rollback, undoes_backwards_unless_committed) {
  std::string order;
  {
    Rollback rollback;
    rollback.add([&] { order += "a"; });
    rollback.add([&] { order += "b"; });
  }
  EXPECT_EQ(order, "ba");
  {
    Rollback rollback;
    rollback.add([&] { order += "c"; });
    rollback.commit();
  }
  EXPECT_EQ(order, "ba");
}

}  // namespace
}  // namespace proa
