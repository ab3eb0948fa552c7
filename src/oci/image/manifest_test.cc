#include "oci/image/manifest.h"

#include <gtest/gtest.h>

#include "oci/image/config.h"

namespace proa::oci::image {
namespace {

const std::string kHex(64, 'a');

std::string descriptor(std::string_view type, std::string_view more = "") {
  return cat(R"({"mediaType":")", type, R"(","digest":"sha256:)", kHex, R"(","size":7)", more, "}");
}

std::string manifest(std::string_view layers) {
  return cat(R"({"schemaVersion":2,"mediaType":")", media_type::kManifest, R"(","config":)",
             descriptor(media_type::kConfig), R"(,"layers":[)", layers, "]}");
}

std::string index(std::string_view manifests) {
  return cat(R"({"schemaVersion":2,"manifests":[)", manifests, "]}");
}

TEST(ManifestTest, printing_what_was_parsed_gives_the_same_bytes) {
  const std::string text = manifest(descriptor(media_type::kLayerGzip));
  const auto parsed = Manifest::parse(text, media_type::kManifest);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed.value().print(), text);
  EXPECT_EQ(parsed.value().layers.at(0).size, 7U);
}

TEST(ManifestTest, type_other_than_announced_is_refused) {
  const std::string text = manifest("");
  EXPECT_FALSE(Manifest::parse(text, media_type::kDockerManifest).ok());
  EXPECT_FALSE(Index::parse(text, "").ok());
}

TEST(ManifestTest, document_that_is_both_is_refused) {
  std::string text = manifest("");
  text.insert(text.size() - 1, R"(,"manifests":[])");
  EXPECT_FALSE(Manifest::parse(text, "").ok());
  EXPECT_FALSE(parse_document(text, "").ok());
}

TEST(ManifestTest, foreign_layer_is_refused_by_name) {
  for (const std::string_view type :
       {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"}) {
    const auto parsed = Manifest::parse(manifest(descriptor(type)), "");
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().kind(), ErrorKind::unsupported);
    EXPECT_NE(parsed.error().message().find("foreign"), std::string::npos);
  }
}

TEST(ManifestTest, limits_are_named_when_exceeded) {
  std::string layers = descriptor(media_type::kLayer);
  for (std::size_t count = 0; count < kMaxLayers; ++count) {
    layers.append(",").append(descriptor(media_type::kLayer));
  }
  const auto many = Manifest::parse(manifest(layers), "");
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().kind(), ErrorKind::exhausted);
  EXPECT_NE(many.error().message().find("limit of 128"), std::string::npos);
  const auto large = Manifest::parse(std::string(kMaxDocument + 1, ' '), "");
  EXPECT_EQ(large.error().kind(), ErrorKind::exhausted);
  const std::string huge = cat(R"({"mediaType":")", media_type::kLayer, R"(","digest":"sha256:)",
                               kHex, R"(","size":9223372036854775807})");
  EXPECT_FALSE(Manifest::parse(manifest(huge), "").ok());
  const std::string negative = cat(R"({"mediaType":")", media_type::kLayer,
                                   R"(","digest":"sha256:)", kHex, R"(","size":-1})");
  EXPECT_FALSE(Manifest::parse(manifest(negative), "").ok());
}

TEST(ManifestTest, artifact_that_is_no_image_is_refused) {
  const std::string text = cat(R"({"schemaVersion":2,"config":)",
                               descriptor("application/vnd.oci.empty.v1+json"), R"(,"layers":[]})");
  const auto parsed = Manifest::parse(text, "");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().kind(), ErrorKind::unsupported);
}

TEST(ManifestTest, schema_one_is_named) {
  const auto parsed = parse_document(R"({"schemaVersion":1,"fsLayers":[]})", "");
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message().find("schema 1"), std::string::npos);
}

TEST(IndexTest, names_of_platforms_have_a_limit) {
  const std::string text = cat(
      R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",)",
      R"("digest":")", Digest::of("x").text(), R"(","size":1,"platform":{"os":"linux",)",
      R"("architecture":"amd64","variant":")", std::string(129, 'v'), R"("}}]})");
  const auto index = Index::parse(text, media_type::kIndex);
  ASSERT_FALSE(index.ok());
  EXPECT_NE(index.error().message().find("manifests[0].platform.variant"), std::string::npos)
      << index.error().message();
}

TEST(IndexTest, first_manifest_for_the_platform_is_chosen) {
  const auto entry = [](std::string_view platform, int size) {
    return cat(R"({"mediaType":")", media_type::kManifest, R"(","digest":"sha256:)", kHex,
               R"(","size":)", size, R"(,"platform":)", platform, "}");
  };
  const auto parsed =
      Index::parse(index(cat(entry(R"({"os":"unknown","architecture":"unknown"})", 1), ",",
                             entry(R"({"os":"linux","architecture":"arm","variant":"v7"})", 2), ",",
                             entry(R"({"os":"linux","architecture":"arm64"})", 3), ",",
                             entry(R"({"os":"linux","architecture":"amd64"})", 4))),
                   "");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  const auto chosen = [&](std::string_view platform) {
    const auto manifest = parsed.value().choose(Platform::parse(platform).value());
    return manifest.ok() ? manifest.value().size : 0;
  };
  EXPECT_EQ(chosen("linux/amd64"), 4U);
  EXPECT_EQ(chosen("x86_64"), 4U);
  EXPECT_EQ(chosen("linux/arm64/v8"), 3U);
  EXPECT_EQ(chosen("linux/arm/v7"), 2U);
  EXPECT_EQ(chosen("linux/arm/v6"), 0U);
  const auto missing = parsed.value().choose(Platform::parse("linux/s390x").value());
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found);
  EXPECT_NE(missing.error().message().find("linux/arm/v7"), std::string::npos);
}

TEST(ConfigTest, configuration_of_docker_is_read_whole) {
  const auto parsed = Config::parse(cat(
      R"({"architecture":"amd64","os":"linux","created":"2024-01-01T00:00:00Z","parent":"sha256:ab",)",
      R"("config":{"User":"1000:1000",)",
      R"("ExposedPorts":{"80/tcp":{}},"Env":["A=b"],"Entrypoint":["/e"],"Cmd":["c","d"],)",
      R"("Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"k":"v"},"StopSignal":"SIGINT",)",
      R"("StopTimeout":3,"Shell":["/bin/sh"],"OnBuild":null,)",
      R"("Healthcheck":{"Test":["CMD","x"],"Interval":1000000000,"Retries":2}},)",
      R"("rootfs":{"type":"layers","diff_ids":["sha256:)", kHex, R"("]},)",
      R"("history":[{"created_by":"x","empty_layer":true}]})"));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  const Config& config = parsed.value();
  EXPECT_EQ(config.parent, "sha256:ab");
  EXPECT_EQ(config.run.user, "1000:1000");
  EXPECT_EQ(config.run.exposed_ports, std::vector<std::string>{"80/tcp"});
  EXPECT_EQ(config.run.command, (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(config.run.stop_timeout, 3);
  EXPECT_EQ(config.run.health_check->interval, std::chrono::seconds(1));
  EXPECT_EQ(config.diff_ids.size(), 1U);
  EXPECT_TRUE(config.history.at(0).empty_layer);
  EXPECT_EQ(Config::parse(config.print()).value(), config);
}

TEST(ConfigTest, configuration_without_layers_or_with_wrong_types_is_refused) {
  EXPECT_FALSE(Config::parse("{}").ok());
  EXPECT_FALSE(Config::parse(R"({"rootfs":{"diff_ids":["sha256:12"]}})").ok());
  EXPECT_FALSE(Config::parse(R"({"rootfs":{"diff_ids":[]},"config":{"Env":[1]}})").ok());
  EXPECT_FALSE(Config::parse(R"({"rootfs":{"diff_ids":[]},"config":{"StopTimeout":1e99}})").ok());
}

TEST(PlatformTest, runs_what_was_made_for_it_or_for_what_came_before) {
  const auto runs = [](std::string_view here, std::string_view made_for) {
    return Platform::parse(here).take().runs(Platform::parse(made_for).take());
  };
  EXPECT_TRUE(runs("linux/amd64", "linux/amd64"));
  EXPECT_TRUE(runs("linux/amd64/v3", "linux/amd64/v2"));
  EXPECT_TRUE(runs("linux/amd64", "linux/386"));
  EXPECT_TRUE(runs("linux/arm64", "linux/arm64/v8"));
  EXPECT_TRUE(runs("linux/arm64", "linux/arm/v7"));
  EXPECT_TRUE(runs("linux/arm/v7", "linux/arm/v6"));
  EXPECT_TRUE(runs("linux/arm/v7", "linux/arm"));
  EXPECT_FALSE(runs("linux/amd64", "linux/amd64/v2"));
  EXPECT_FALSE(runs("linux/arm/v6", "linux/arm/v7"));
  EXPECT_FALSE(runs("linux/amd64", "linux/arm64"));
  EXPECT_FALSE(runs("linux/386", "linux/amd64"));
  EXPECT_FALSE(runs("linux/amd64", "windows/amd64"));
}

}  // namespace
}  // namespace proa::oci::image
