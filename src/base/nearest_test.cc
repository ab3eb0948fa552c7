#include "base/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace proa {
namespace {

TEST(Nearest, guesses_what_a_few_letters_set_apart) {
  constexpr std::string_view kNames[] = {"image", "images", "ports"};
  EXPECT_EQ(nearest("imgae", kNames, 2), "image");
  EXPECT_EQ(nearest("imagess", kNames, 2), "images");
  EXPECT_EQ(nearest("prt", kNames, 1), std::nullopt);
  EXPECT_EQ(nearest(std::string(100, 'i'), kNames, 2), std::nullopt);
}

}  // namespace
}  // namespace proa
