#include "hull/doctor/doctor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernel/file/temp_dir.h"
#include "tests/fixtures/require.h"

namespace proa::hull {
namespace {

const Finding& finding(const Diagnosis& diagnosis, const std::string& name) {
  const auto found = std::ranges::find(diagnosis.findings, name, &Finding::name);
  EXPECT_NE(found, diagnosis.findings.end()) << name;
  return *found;
}

TEST(Doctor, findings_when_something_lacks_then_say_what_it_costs) {
  const auto place = file::TempDir::create("/tmp", "proa-doctor.").take();
  const Diagnosis diagnosis = examine({place.path(), place.path(), place.path() + "/kernels"});
  for (const Finding& each : diagnosis.findings) {
    EXPECT_FALSE(each.fact.empty()) << each.name;
    if (each.health == Health::missing && each.name != "disk") {
      EXPECT_FALSE(each.cost.empty()) << each.name;
    }
  }
  EXPECT_EQ(finding(diagnosis, "guest-kernel").health, Health::missing);
  EXPECT_EQ(diagnosis.isolation, "container");
  EXPECT_EQ(finding(diagnosis, "disk").health, Health::good);
}

}  // namespace
}  // namespace proa::hull
