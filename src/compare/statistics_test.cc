#include "compare/statistics.h"

#include <gtest/gtest.h>

#include <random>

namespace proa::compare {
namespace {

TEST(CompareStatistics, the_median_lies_in_its_interval_as_often_as_promised) {
  std::mt19937 generator(1);                         // the same numbers each time
  std::lognormal_distribution<double> source(0, 1);  // true median 1, long tail
  int inside = 0;
  constexpr int kRuns = 2000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> samples(25);
    for (double& sample : samples) sample = source(generator);
    const Interval interval = interval_of_median(samples).value();
    inside += interval.low <= 1 && 1 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(inside, kRuns * 94 / 100);
  EXPECT_LE(inside, kRuns * 99 / 100);
}

TEST(CompareStatistics, too_few_samples_give_no_interval) {
  EXPECT_FALSE(interval_of_median({1, 2, 3, 4, 5}).has_value());
  EXPECT_TRUE(interval_of_median({1, 2, 3, 4, 5, 6}).has_value());
}

TEST(CompareStatistics, the_same_source_is_called_different_as_rarely_as_promised) {
  std::mt19937 generator(2);
  std::normal_distribution<double> source(10, 2);
  constexpr std::size_t kFigures = 12;
  int false_alarms = 0;
  constexpr int kRuns = 200;
  for (int run = 0; run < kRuns; ++run) {
    bool any = false;
    for (std::size_t figure = 0; figure < kFigures; ++figure) {
      std::vector<double> left(15);
      std::vector<double> right(15);
      for (double& sample : left) sample = source(generator);
      for (double& sample : right) sample = source(generator);
      any = any || differ(left, right, kFigures);
    }
    false_alarms += any ? 1 : 0;
  }
  EXPECT_LE(false_alarms, kRuns * 8 / 100);
}

TEST(CompareStatistics, six_samples_each_are_enough_for_a_clear_difference) {
  const std::vector<double> left = {1, 2, 3, 4, 5, 6};
  const std::vector<double> right = {11, 12, 13, 14, 15, 16};
  EXPECT_NEAR(same_source(left, right), 2.0 / 924, 1e-9);  // of C(12,6) choices the two outermost
  EXPECT_TRUE(differ(left, right, 12));
}

TEST(CompareStatistics, a_clear_difference_is_seen) {
  std::vector<double> left;
  std::vector<double> right;
  for (int sample = 0; sample < 12; ++sample) {
    left.push_back(10 + sample * 0.1);
    right.push_back(13 + sample * 0.1);
  }
  EXPECT_TRUE(differ(left, right, 12));
  EXPECT_FALSE(differ(left, left, 12));
  EXPECT_FALSE(differ({1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, 1));
}

}  // namespace
}  // namespace proa::compare
