// The image store through the real worker, with Debian's registry and skopeo as the other ends.
#include <gmock/gmock.h>

#include "base/text.h"
#include "kernel/file/file.h"
#include "tests/fixtures/require.h"
#include "tests/system/image_fixture.h"

namespace proa::tests {
namespace {

using ::testing::HasSubstr;

TEST_F(ImageTest, pulled_image_is_the_one_pushed_and_other_tools_read_the_store) {
  const Ran pulled = image(cat("pull ", name()));
  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_THAT(pulled.output, HasSubstr(digest_at_registry()));
  const Ran verified = image("verify");
  EXPECT_EQ(verified.code, 0) << verified.output;
  const Ran inspected =
      run(cat("skopeo inspect --format '{{.Digest}}' oci:", at("root/content"), ":", name()));
  EXPECT_EQ(trimmed(inspected), digest_at_registry());
  const Ran checked =
      run(cat("for f in ", at("root/layers/"), "*.erofs; do fsck.erofs $f || exit 1; done"));
  EXPECT_EQ(checked.code, 0) << checked.output;
  EXPECT_THAT(image(cat("pull ", name())).output, HasSubstr("up to date"));
}

TEST_F(ImageTest, archive_goes_to_other_tools_and_back_with_the_same_digest) {
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  ASSERT_EQ(image(cat("save -o ", at("a.tar"), " ", name())).code, 0);
  const Ran theirs = run(cat("cd ", directory_->path(), " && skopeo inspect --format '{{.Digest}}'",
                             " oci-archive:a.tar:", name()));
  EXPECT_EQ(trimmed(theirs), digest_at_registry());
  const Ran docker =
      run(cat("cd ", directory_->path(), " && skopeo copy -q docker-archive:a.tar:", name(),
              " docker-archive:d.tar:", name()));
  ASSERT_EQ(docker.code, 0) << docker.output;
  const std::string id = trimmed(
      run(cat(program(kImages), " --root ", at("root"), " inspect ", name(), " | grep '\"Id\"'")));
  for (const std::string_view archive : {"a.tar", "d.tar"}) {
    const std::string ours = cat(program(kImages), " --root ", at("loaded-"), archive, " ");
    const Ran loaded = run(
        cat(ours, "load -i ", at(archive), " && ", ours, "verify && ", ours, "inspect ", name()));
    EXPECT_EQ(loaded.code, 0) << loaded.output;
    EXPECT_THAT(loaded.output, HasSubstr(id)) << archive;
  }
}

TEST_F(ImageTest, blob_of_another_repository_is_mounted_on_push) {
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  const std::string copy = cat(registry_->address(), "/team/copy:2");
  ASSERT_EQ(image(cat("tag ", name(), " ", copy)).code, 0);
  const Ran pushed = image(cat("push ", copy));
  ASSERT_EQ(pushed.code, 0) << pushed.output;
  EXPECT_THAT(pushed.output, HasSubstr("mounted from another repository"));
  EXPECT_THAT(pushed.output, HasSubstr(digest_at_registry()));
}

TEST_F(ImageTest, private_registry_wants_its_authority_and_credentials) {
  const Ran made = run(
      cat("set -e; cd ", directory_->path(),
          "; htpasswd -Bbc users ann secret 2>/dev/null; openssl req -x509 ",
          "-newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=reg.localtest ",
          "-addext subjectAltName=IP:127.0.0.1 2>/dev/null"));
  ASSERT_EQ(made.code, 0) << made.output;
  auto started =
      Registry::start(cat("  tls: {certificate: ", at("cert.pem"), ", key: ", at("key.pem"),
                          "}\nauth: {htpasswd: {realm: test, path: ", at("users"), "}}\n"));
  ASSERT_OK(started);
  const Registry registry = started.take();
  const std::string private_name = cat(registry.address(), "/secret/app:1");
  const Ran copied =
      run(cat("skopeo copy -q --dest-tls-verify=false --dest-creds ann:secret oci:", at("oci"),
              ":app docker://", private_name));
  ASSERT_EQ(copied.code, 0) << copied.output;
  ASSERT_OK(file::replace_file(FdRef::cwd(), at("proad.json"),
                               cat(R"({"registries":[{"prefix":")", registry.address(),
                                   R"(","ca":")", at("cert.pem"), R"("}]})"),
                               0600, file::Durable::no));
  const std::string ours = cat("export DOCKER_CONFIG=", at("docker"), "; ", program(kImages),
                               " --config ", at("proad.json"), " --root ", at("root"), " ");
  const Ran refused = run(cat(ours, "pull -q ", private_name));
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.output, HasSubstr("log in"));
  const Ran wrong = run(cat("echo nope | { ", ours, "login -u ann ", registry.address(), "; }"));
  EXPECT_NE(wrong.code, 0);
  const Ran right = run(cat("echo secret | { ", ours, "login -u ann ", registry.address(), "; }"));
  ASSERT_EQ(right.code, 0) << right.output;
  const Ran pulled = run(cat(ours, "pull -q ", private_name));
  EXPECT_EQ(pulled.code, 0) << pulled.output;
}

TEST_F(ImageTest, dropped_blobs_are_made_again) {
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  ASSERT_EQ(image("prune --blobs").code, 0);
  ASSERT_EQ(image(cat("save -o ", at("a.tar"), " ", name())).code, 0);
  const std::string ours = cat(program(kImages), " --root ", at("again"), " ");
  const Ran loaded = run(cat(ours, "load -i ", at("a.tar"), " && ", ours, "verify"));
  EXPECT_EQ(loaded.code, 0) << loaded.output;
}

TEST_F(ImageTest, damaged_blob_and_layer_are_named) {
  ASSERT_EQ(image(cat("pull ", name())).code, 0);
  const std::string layer =
      trimmed(run(cat("cd ", at("root/layers"), "; ls -S *.erofs | head -1")));
  const std::string blob =
      trimmed(run(cat("cd ", at("root/content/blobs/sha256"), "; ls -S | head -1")));
  run(cat("printf x | dd conv=notrunc bs=1 seek=1000000 of=", at("root/layers/"), layer));
  run(cat("printf x | dd conv=notrunc bs=1 seek=1000 of=", at("root/content/blobs/sha256/"), blob));
  const Ran verified = image("verify");
  EXPECT_NE(verified.code, 0);
  EXPECT_THAT(verified.output, HasSubstr(layer));
  EXPECT_THAT(verified.output, HasSubstr(blob));
}

TEST_F(ImageTest, lost_layer_and_damaged_blob_come_back_with_the_next_pull) {
  ASSERT_EQ(image(cat("pull ", name())).code, 0);
  const Ran damaged = run(cat("set -e; cd ", at("root/layers"), "; rm $(ls *.erofs | head -1); ",
                              "truncate -s -1 *.erofs; cd ", at("root/content/blobs/sha256"),
                              "; printf x | dd conv=notrunc bs=1 seek=1000 of=$(ls -S | head -1)"));
  ASSERT_EQ(damaged.code, 0) << damaged.output;
  EXPECT_NE(image("verify").code, 0);
  const Ran pulled = image(cat("pull ", name()));
  EXPECT_EQ(pulled.code, 0) << pulled.output;
  const Ran verified = image("verify");
  EXPECT_EQ(verified.code, 0) << verified.output;
}

// What another image needs is no layer, whatever a manifest says.
TEST_F(ImageTest, manifest_that_names_another_images_document_harms_nobody) {
  ASSERT_EQ(image(cat("pull -q ", name())).code, 0);
  const Ran made = run(cat(
      "set -e; cd ", directory_->path(), "; skopeo copy -q oci:oci:app dir:evil; python3 -c '",
      "import json, os; m = json.load(open(\"evil/manifest.json\")); ", "d = \"",
      digest_at_registry(), "\"; f = \"root/content/blobs/sha256/\" + d[7:]; ",
      "m[\"layers\"][0][\"digest\"] = d; m[\"layers\"][0][\"size\"] = os.stat(f).st_size; ",
      "json.dump(m, open(\"evil/manifest.json\", \"w\")); ",
      "os.link(f, \"evil/\" + d[7:])'; skopeo copy -q --dest-tls-verify=false dir:evil docker://",
      registry_->address(), "/evil/app:1"));
  ASSERT_EQ(made.code, 0) << made.output;
  EXPECT_NE(image(cat("pull -q ", registry_->address(), "/evil/app:1")).code, 0);
  const Ran verified = image("verify");
  EXPECT_EQ(verified.code, 0) << verified.output;
}

TEST_F(ImageTest, two_pulls_at_once_do_each_layer_once) {
  const Ran both = run(cat("set -e; p='", program(kImages), " --root ", at("root"), " pull ",
                           name(), "'; $p >", at("1"), " & a=$!; $p >", at("2"), "; wait $a; cat ",
                           at("1"), " ", at("2"), " | grep -c ': complete'"));
  EXPECT_EQ(both.code, 0) << both.output;
  EXPECT_EQ(trimmed(both), "3");
  EXPECT_EQ(image("verify").code, 0);
}

TEST_F(ImageTest, removed_image_leaves_nothing_and_a_second_name_keeps_it) {
  ASSERT_EQ(image(cat("pull ", name())).code, 0);
  ASSERT_EQ(image(cat("tag ", name(), " other:2")).code, 0);
  ASSERT_EQ(image(cat("rm ", name())).code, 0);
  EXPECT_EQ(image("inspect other:2").code, 0);
  ASSERT_EQ(image("rm other:2").code, 0);
  EXPECT_EQ(trimmed(run(cat("find ", at("root/layers"), " ", at("root/content/blobs"),
                            " -type f | wc -l"))),
            "0");
}

TEST_F(ImageTest, data_is_synced_before_the_rename_that_publishes_it) {
  const Ran traced = run(cat("strace -f -y -qq -e trace=fsync,renameat -o ", at("log"), " ",
                             program(kImages), " --root ", at("root"), " pull -q ", name()));
  ASSERT_EQ(traced.code, 0) << traced.output;
  const Result<std::string> log = file::read_file(at("log"));
  ASSERT_OK(log);
  std::vector<std::string> synced;
  int renames = 0;
  for (const std::string_view line : split(log.value(), '\n')) {
    if (const auto at_call = line.find("fsync("); at_call != std::string_view::npos) {
      synced.emplace_back(line.substr(at_call));
    } else if (const auto from = line.find(", \"");
               line.find("renameat(") != std::string_view::npos) {
      const std::string_view rest = line.substr(from + 3);
      const std::string source(rest.substr(0, rest.find('"')));
      ++renames;
      EXPECT_TRUE(std::ranges::any_of(synced, [&](const std::string& sync) {
        return sync.find(source) != std::string::npos;
      })) << line;
    }
  }
  // Index, layout file, three layers of four files each, manifest, configuration, and the name.
  EXPECT_GE(renames, 16);
}

}  // namespace
}  // namespace proa::tests
