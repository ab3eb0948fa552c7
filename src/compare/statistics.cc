#include "compare/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace proa::compare {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kFalseAlarm = 0.05;
constexpr std::size_t kMostExact = 60;  // samples; beyond, the normal curve is near enough

}  // namespace

double Interval::spread() const { return median == 0 ? 0 : (high - low) / 2 / std::abs(median); }

double median(std::vector<double> samples) {
  if (samples.empty()) return 0;
  std::ranges::sort(samples);
  const std::size_t middle = samples.size() / 2;
  if (samples.size() % 2 == 1) return samples[middle];
  return (samples[middle - 1] + samples[middle]) / 2;
}

bool enough(const std::vector<double>& samples) { return samples.size() >= kFewestSamples; }

std::optional<Interval> interval_of_median(std::vector<double> samples) {
  const std::size_t count = samples.size();
  if (!enough(samples)) return std::nullopt;
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

namespace {

struct Ranked {
  // Twice each value's rank, so that the mean rank of equal values is whole; in order of the
  // values.
  std::vector<std::size_t> doubled;
  std::size_t left_sum = 0;  // of those that came from the left
  double ties = 0;           // sum of t^3 - t over groups of t equal values
};

Ranked rank(const std::vector<double>& left, const std::vector<double>& right) {
  struct Sample {
    double value;
    bool is_left;
  };
  std::vector<Sample> all;
  for (const double value : left) all.push_back({value, true});
  for (const double value : right) all.push_back({value, false});
  std::ranges::sort(all, {}, &Sample::value);
  Ranked ranked;
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    while (end < all.size() && !(all[begin].value < all[end].value)) ++end;
    // Equal values share the mean of their ranks, which count from 1.
    const std::size_t doubled = begin + end + 1;
    for (std::size_t at = begin; at < end; ++at) {
      ranked.doubled.push_back(doubled);
      if (all[at].is_left) ranked.left_sum += doubled;
    }
    const auto tied = static_cast<double>(end - begin);
    ranked.ties += tied * tied * tied - tied;
    begin = end;
  }
  return ranked;
}

// Every choice of `chosen` of the ranks is as likely as any other: the share of those whose sum is
// as far from the middle as the one that was seen.
double exact(const Ranked& ranked, std::size_t chosen) {
  const std::size_t most =
      std::accumulate(ranked.doubled.begin(), ranked.doubled.end(), std::size_t{0});
  // ways[n][s]: choices of n of the ranks so far with the sum s.
  std::vector<std::vector<double>> ways(chosen + 1, std::vector<double>(most + 1, 0));
  ways[0][0] = 1;
  std::size_t items = 0;
  std::size_t reached = 0;
  for (const std::size_t doubled : ranked.doubled) {
    for (std::size_t count = std::min(chosen, ++items); count > 0; --count) {
      const std::vector<double>& without = ways[count - 1];
      std::vector<double>& with = ways[count];
      for (std::size_t sum = 0; sum <= reached; ++sum) with[sum + doubled] += without[sum];
    }
    reached += doubled;
  }
  const double middle =
      static_cast<double>(chosen) * (static_cast<double>(ranked.doubled.size()) + 1);
  const double seen = std::abs(static_cast<double>(ranked.left_sum) - middle);
  double all = 0;
  double far = 0;
  for (std::size_t sum = 0; sum <= most; ++sum) {
    all += ways[chosen][sum];
    if (std::abs(static_cast<double>(sum) - middle) >= seen) far += ways[chosen][sum];
  }
  return far / all;
}

double approximate(const Ranked& ranked, double n, double m) {
  const double total = n + m;
  const double u = static_cast<double>(ranked.left_sum) / 2 - n * (n + 1) / 2;
  const double variance = n * m / 12 * (total + 1 - ranked.ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  const double distance = std::max(0.0, std::abs(u - n * m / 2) - 0.5);
  return std::erfc(distance / std::sqrt(variance) / std::sqrt(2.0));
}

}  // namespace

double same_source(const std::vector<double>& left, const std::vector<double>& right) {
  if (!enough(left) || !enough(right)) return 1;
  const Ranked ranked = rank(left, right);
  if (ranked.doubled.size() <= kMostExact) return exact(ranked, left.size());
  return approximate(ranked, static_cast<double>(left.size()), static_cast<double>(right.size()));
}

bool differ(const std::vector<double>& left, const std::vector<double>& right,
            std::size_t figures) {
  return same_source(left, right) <
         kFalseAlarm / static_cast<double>(std::max<std::size_t>(figures, 1));
}

}  // namespace proa::compare
