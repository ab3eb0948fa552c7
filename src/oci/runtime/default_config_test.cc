#include "oci/runtime/default_config.h"

#include <gtest/gtest.h>

#include "oci/runtime/spec.h"

namespace proa::oci::runtime {
namespace {

TEST(DefaultConfig, what_is_written_is_what_is_read) {
  for (const Rootless rootless : {Rootless::no, Rootless::yes}) {
    const auto spec = parse_spec(json::print(default_config(rootless, 1000, 1001)));
    ASSERT_TRUE(spec.ok()) << spec.error().message();
    const bool has_user_namespace = spec.value().linux_part.find(NamespaceType::user) != nullptr;
    EXPECT_EQ(has_user_namespace, rootless == Rootless::yes);
  }
}

}  // namespace
}  // namespace proa::oci::runtime
