#include "compare/advice.h"

#include <gtest/gtest.h>

#include "compare/report.h"

namespace proa::compare {
namespace {

Series around(double middle) {
  Series series;
  for (int at = 0; at < 12; ++at) series.samples.push_back(middle * (1 + 0.002 * at));
  return series;
}

Comparison two_hulls(bool emulated) {
  Comparison comparison;
  comparison.image = "app";
  comparison.rounds = 12;
  comparison.settled = true;
  comparison.figures = {{"start", "Time to start", "ms", Better::smaller, true, "x"},
                        {"memory", "Memory", "MiB", Better::smaller, false, "x"}};
  comparison.outcomes = {{{"container", "", false, false}, {around(2), around(5)}, {}, {}},
                         {{"vm", "hosted", true, emulated}, {around(40), around(90)}, {}, {}}};
  return comparison;
}

std::string all(const Advice& advice) {
  return join(advice.warnings, "\n") + advice.verdict + join(advice.reasons, "\n");
}

TEST(CompareAdvice, an_emulated_machine_is_said_so_first_and_its_speed_is_not_spoken_of) {
  const Advice advice = advise(two_hulls(true));
  ASSERT_FALSE(advice.warnings.empty());
  EXPECT_NE(advice.warnings[0].find("emulation"), std::string::npos);
  EXPECT_EQ(all(advice).find("Time to start"), std::string::npos);
  EXPECT_NE(all(advice).find("Memory: the virtual machine has 18.0 times"), std::string::npos);
  const std::string page = print_page(two_hulls(true), advice);
  EXPECT_LT(page.find("emulation"), page.find("class=\"verdict\""));
  EXPECT_NE(page.find("On an axis of its own"), std::string::npos);
}

TEST(CompareAdvice, what_cannot_be_told_apart_is_said_so) {
  Comparison comparison = two_hulls(false);
  comparison.outcomes[1].series[0] = around(2);
  const Advice advice = advise(comparison);
  EXPECT_NE(all(advice).find("No difference between the container and the virtual machine "
                             "could be told in: time to start"),
            std::string::npos);
}

TEST(CompareAdvice, what_was_measured_too_seldom_is_no_difference_and_no_likeness) {
  Comparison comparison = two_hulls(false);
  for (Series& series : comparison.outcomes[1].series) series.samples.resize(2);
  const std::string said = all(advise(comparison));
  EXPECT_EQ(said.find("times"), std::string::npos);
  EXPECT_EQ(said.find("No difference"), std::string::npos);
  EXPECT_NE(said.find("Measured too seldom"), std::string::npos);
}

TEST(CompareAdvice, another_engine_is_set_beside_the_container) {
  Comparison comparison = two_hulls(false);
  comparison.outcomes.push_back({{"docker", "", false, false}, {around(300), around(5)}, {}, {}});
  const std::string said = all(advise(comparison));
  EXPECT_NE(said.find("Time to start: docker has 150 times"), std::string::npos);
  EXPECT_NE(said.find("between the container and docker could be told in: memory"),
            std::string::npos);
}

TEST(CompareAdvice, a_machine_that_failed_is_told_from_one_that_was_not_tried) {
  Comparison comparison = two_hulls(false);
  comparison.outcomes[1].failure = "no space left";
  Advice advice = advise(comparison);
  EXPECT_NE(advice.verdict.find("as a virtual machine it did not run"), std::string::npos);
  EXPECT_NE(all(advice).find("vm did not run: no space left"), std::string::npos);
  comparison.outcomes.pop_back();
  advice = advise(comparison);
  EXPECT_NE(advice.verdict.find("no virtual machine was measured"), std::string::npos);
}

TEST(CompareAdvice, a_need_for_speed_is_answered_by_what_was_measured) {
  Comparison comparison = two_hulls(false);
  comparison.needs = {"fast-start"};
  EXPECT_NE(advise(comparison).verdict.find("container: it starts faster"), std::string::npos);
  comparison.outcomes[1].series[0] = around(2);
  EXPECT_NE(advise(comparison).verdict.find("no difference could be told"), std::string::npos);
  comparison = two_hulls(true);
  comparison.needs = {"fast-start"};
  EXPECT_NE(advise(comparison).verdict.find("was not measured here"), std::string::npos);
}

TEST(CompareAdvice, the_verdict_follows_what_is_needed) {
  Comparison comparison = two_hulls(false);
  EXPECT_TRUE(advise(comparison).verdict.starts_with("Run it as a container"));
  comparison.needs = {"own-kernel"};
  EXPECT_TRUE(advise(comparison).verdict.starts_with("Run it as a virtual machine"));
  comparison.needs = {"own-kernel", "density"};
  EXPECT_TRUE(advise(comparison).verdict.starts_with("Use both"));
  comparison = two_hulls(true);
  comparison.needs = {"untrusted-code"};
  EXPECT_NE(advise(comparison).verdict.find("no security boundary"), std::string::npos);
}

TEST(CompareAdvice, needs_are_checked) {
  EXPECT_EQ(parse_needs("density, own-kernel").take().size(), 2u);
  EXPECT_FALSE(parse_needs("speed").ok());
}

TEST(CompareReport, foreign_names_cannot_become_markup) {
  Comparison comparison = two_hulls(false);
  comparison.image = "<script>alert(1)</script>";
  EXPECT_EQ(print_page(comparison, advise(comparison)).find("<script>"), std::string::npos);
}

}  // namespace
}  // namespace proa::compare
