#include "image/registry/endpoint.h"

#include <gtest/gtest.h>

#include "tests/fixtures/require.h"

namespace proa::image {
namespace {

using oci::distribution::Reference;

RegistrySettings settings_of(const std::string& text) {
  const json::Value value = json::parse(text, "settings").take();
  RegistrySettings settings = RegistrySettings::parse(json::Reader(value, "settings")).take();
  settings.certificates = "/nonexistent";
  return settings;
}

std::vector<Endpoint> endpoints_of(const RegistrySettings& settings, const std::string& name) {
  auto endpoints = endpoints_for(settings, Reference::parse(name).take(), Purpose::pull);
  EXPECT_OK(endpoints);
  return endpoints.ok() ? endpoints.take() : std::vector<Endpoint>();
}

TEST(Endpoint, mirror_when_credentials_came_with_the_request_then_it_does_not_get_them) {
  RegistrySettings settings = settings_of(R"({"registry-mirrors":["https://mirror.example/hub"]})");
  settings.given = Credentials{"ann", "secret", {}};

  const std::vector<Endpoint> endpoints = endpoints_of(settings, "node:20");

  ASSERT_EQ(endpoints.size(), 2U);
  EXPECT_EQ(endpoints[0].base, "https://mirror.example");
  EXPECT_EQ(endpoints[0].repository, "hub/library/node");
  EXPECT_EQ(endpoints[0].credentials.user, "");
  EXPECT_EQ(endpoints[1].base, "https://registry-1.docker.io");
  EXPECT_EQ(endpoints[1].credentials.user, "ann");
}

TEST(Endpoint, registry_when_several_settings_are_about_it_then_all_hold) {
  const RegistrySettings settings = settings_of(
      R"({"registries":[{"prefix":"host.example:5000","mirrors":["http://near.example"]}],
          "insecure-registries":["host.example:5000"]})");

  const std::vector<Endpoint> endpoints = endpoints_of(settings, "host.example:5000/app");

  ASSERT_EQ(endpoints.size(), 3U);
  EXPECT_EQ(endpoints[0].base, "http://near.example");
  EXPECT_EQ(endpoints[1].base, "https://host.example:5000");
  EXPECT_FALSE(endpoints[1].verify);
  EXPECT_EQ(endpoints[2].base, "http://host.example:5000");
}

}  // namespace
}  // namespace proa::image
