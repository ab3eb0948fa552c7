#include "compare/statistics.h"

#include <algorithm>
#include <cmath>

namespace proa::compare {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kFalseAlarm = 0.05;
constexpr std::size_t kFewest = 6;  // the smallest and largest of five cover the median in 93.75 %

}  // namespace

double Interval::spread() const { return median == 0 ? 0 : (high - low) / 2 / std::abs(median); }

double median(std::vector<double> samples) {
  if (samples.empty()) return 0;
  std::ranges::sort(samples);
  const std::size_t middle = samples.size() / 2;
  if (samples.size() % 2 == 1) return samples[middle];
  return (samples[middle - 1] + samples[middle]) / 2;
}

std::optional<Interval> interval_of_median(std::vector<double> samples) {
  const std::size_t count = samples.size();
  if (count < kFewest) return std::nullopt;
  std::ranges::sort(samples);
  // The number of samples below the true median is binomial with one half. The widest pair of
  // ranks is taken in as long as what lies outside stays below what is allowed.
  double outside = 0;
  double term = std::pow(0.5, static_cast<double>(count));
  std::size_t rank = 0;
  for (std::size_t below = 0; below < count / 2; ++below) {
    outside += 2 * term;
    if (outside > 1 - kConfidence) break;
    rank = below;
    term *= static_cast<double>(count - below) / static_cast<double>(below + 1);
  }
  return Interval{samples[rank], median(samples), samples[count - 1 - rank]};
}

double same_source(const std::vector<double>& left, const std::vector<double>& right) {
  const auto n = static_cast<double>(left.size());
  const auto m = static_cast<double>(right.size());
  if (left.size() < kFewest || right.size() < kFewest) return 1;
  struct Sample {
    double value;
    bool is_left;
  };
  std::vector<Sample> all;
  for (const double value : left) all.push_back({value, true});
  for (const double value : right) all.push_back({value, false});
  std::ranges::sort(all, {}, &Sample::value);

  double rank_sum = 0;
  double ties = 0;
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    while (end < all.size() && !(all[begin].value < all[end].value)) ++end;
    // Equal values share the mean of their ranks, which count from 1.
    const double rank = (static_cast<double>(begin) + static_cast<double>(end) + 1) / 2;
    for (std::size_t at = begin; at < end; ++at) rank_sum += all[at].is_left ? rank : 0;
    const auto tied = static_cast<double>(end - begin);
    ties += tied * tied * tied - tied;
    begin = end;
  }
  const double u = rank_sum - n * (n + 1) / 2;
  const double total = n + m;
  const double variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  const double distance = std::max(0.0, std::abs(u - n * m / 2) - 0.5);
  return std::erfc(distance / std::sqrt(variance) / std::sqrt(2.0));
}

bool differ(const std::vector<double>& left, const std::vector<double>& right,
            std::size_t figures) {
  return same_source(left, right) <
         kFalseAlarm / static_cast<double>(std::max<std::size_t>(figures, 1));
}

}  // namespace proa::compare
