// How sure a figure is, and whether two differ: medians with intervals that assume nothing about
// how the samples are spread. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace proa::compare {

// Thread: a value.
struct Interval {
  double low = 0, median = 0, high = 0;
  // Half the interval's width beside the median; 0.1 is "within 10 %".
  double spread() const;
};

double median(std::vector<double> samples);

// The smallest and largest of five cover the median in 93.75 % only.
inline constexpr std::size_t kFewestSamples = 6;
// Whether there are as many as any statement about them takes.
bool enough(const std::vector<double>& samples);

// The median with its 95 % interval, from the order of the samples (binomial ranks): nothing where
// there are not enough.
std::optional<Interval> interval_of_median(std::vector<double> samples);

// The two-sided probability that two sets of samples as far apart as these come from the same
// source (Mann and Whitney's test with ties: exact, or by the normal curve where there are many);
// 1 where either is too small.
double same_source(const std::vector<double>& left, const std::vector<double>& right);

// Whether two sets of samples differ, when `figures` such questions are asked at once: their
// chance of a false alarm together stays at 5 %.
bool differ(const std::vector<double>& left, const std::vector<double>& right, std::size_t figures);

}  // namespace proa::compare
