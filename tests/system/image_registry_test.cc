// Registries as they are on the internet: tokens, other places for uploads and blobs, broken
// connections, refusals, wrong bytes, and mirrors that lag behind.
#include <gmock/gmock.h>

#include "base/json.h"
#include "base/text.h"
#include "image/registry/fetcher.h"
#include "kernel/file/file.h"
#include "tests/fixtures/require.h"
#include "tests/system/image_fixture.h"
#include "tests/system/registry_front.h"

namespace proa::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ImageRegistryTest : public ImageTest {
 protected:
  RegistryFront start(const std::vector<std::string>& options, std::string_view log = "log") const {
    auto front = RegistryFront::start(*registry_, at(log), options);
    EXPECT_TRUE(front.ok()) << front.error().message();
    return front.take();
  }
  std::string log(std::string_view name = "log") const { return file::read_file(at(name)).take(); }
  // How many requests of the log start so and hold `part`.
  int requests(std::string_view method, std::string_view part,
               std::string_view name = "log") const {
    int count = 0;
    const std::string text = log(name);
    for (const std::string_view line : split(text, '\n')) {
      count += line.starts_with(method) && line.find(part) != line.npos ? 1 : 0;
    }
    return count;
  }
  // The store's commands with settings and credentials of this test's own.
  std::string with_settings(const std::string& settings) const {
    EXPECT_OK(
        file::replace_file(FdRef::cwd(), at("proad.json"), settings, 0600, file::Durable::no));
    return cat("export DOCKER_CONFIG=", at("docker"), "; ", images("root"), "--config ",
               at("proad.json"), " ");
  }
  // The same commands, logged in as ann at a front that wants a token.
  static std::string logged_in(const RegistryFront& front, std::string ours) {
    const Ran login = run(cat("echo secret | { ", ours, "login -u ann ", front.address(), "; }"));
    EXPECT_EQ(login.code, 0) << login.output;
    return ours;
  }
  // A certificate with its key for this machine's address, and settings that trust it.
  std::string make_certificate() const {
    const Ran made =
        run(cat("cd ", at(""), "; openssl req -x509 -newkey rsa:2048 -nodes ",
                "-keyout tls.pem -out tls.crt -days 2 -subj /CN=front ",
                "-addext subjectAltName=IP:127.0.0.1 2>/dev/null; cat tls.crt >>tls.pem"));
    EXPECT_EQ(made.code, 0) << made.output;
    return at("tls.pem");
  }
  std::string trusting(const RegistryFront& front) const {
    return with_settings(cat(R"({"registries":[{"prefix":")", front.address(), R"(","ca":")",
                             at("tls.crt"), R"("}]})"));
  }
  // A command line that gives the image of a front another repository there, and pushes it.
  static std::string push_copy(const std::string& ours, const RegistryFront& front) {
    const std::string copy = cat(front.address(), "/team/copy:1");
    return cat(ours, "tag ", name_at(front.address()), " ", copy, " && ", ours, "push ", copy);
  }
};

TEST_F(ImageRegistryTest, token_when_logged_in_then_it_is_fetched_and_without_login_refused) {
  const RegistryFront front = start({"--token", "ann:secret"});
  const std::string ours = with_settings("{}");

  const Ran refused = run(cat(ours, "pull -q ", name_at(front.address())));
  EXPECT_NE(refused.code, 0);
  const Ran wrong = run(cat("echo nope | { ", ours, "login -u ann ", front.address(), "; }"));
  EXPECT_NE(wrong.code, 0);
  const Ran right = run(cat("echo secret | { ", ours, "login -u ann ", front.address(), "; }"));
  ASSERT_EQ(right.code, 0) << right.output;
  const Ran pulled = run(cat(ours, "pull -q ", name_at(front.address())));
  EXPECT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(run(cat(ours, "logout ", front.address())).code, 0);
  EXPECT_NE(run(cat(ours, "rm ", name_at(front.address()), " && ", ours, "pull -q ",
                    name_at(front.address())))
                .code,
            0);
}

TEST_F(ImageRegistryTest, login_when_a_token_is_wanted_then_it_is_for_no_repository) {
  const RegistryFront front = start({"--token", "ann:secret"});

  logged_in(front, with_settings("{}"));

  EXPECT_EQ(requests("GET", "/token"), 1) << log();
  EXPECT_EQ(requests("GET", "scope="), 0) << log();
}

TEST_F(ImageRegistryTest, mount_when_it_takes_a_token_then_each_scope_is_asked_for_once) {
  const RegistryFront front = start({"--token", "ann:secret"});
  const std::string ours = logged_in(front, with_settings("{}"));
  ASSERT_EQ(run(cat(ours, "pull -q ", name_at(front.address()))).code, 0);

  const Ran pushed = run(push_copy(ours, front));

  ASSERT_EQ(pushed.code, 0) << pushed.output;
  EXPECT_THAT(pushed.output, HasSubstr("mounted from another repository"));
  const std::string from = "scope=repository%3ateam%2fapp%3apull";
  EXPECT_GE(requests("GET", from), 1) << log();
  EXPECT_EQ(requests("GET", cat(from, "&", from)), 0) << log();
}

TEST_F(ImageRegistryTest, mount_when_its_scope_is_refused_then_the_blob_is_uploaded) {
  const RegistryFront front = start({"--token", "ann:secret", "--single-scope"});
  const std::string ours = logged_in(front, with_settings("{}"));
  ASSERT_EQ(run(cat(ours, "pull -q ", name_at(front.address()))).code, 0);

  const Ran pushed = run(push_copy(ours, front));

  ASSERT_EQ(pushed.code, 0) << pushed.output;
  EXPECT_THAT(pushed.output, HasSubstr(digest_at_registry()));
  EXPECT_EQ(requests("PUT", "/v2/team/copy/blobs/uploads/"), 4) << log();
}

TEST_F(ImageRegistryTest, token_when_it_runs_out_amid_a_push_then_another_is_fetched) {
  const RegistryFront front = start({"--token", "ann:secret", "--token-lasts", "3"});
  const std::string ours = logged_in(front, with_settings("{}"));
  ASSERT_EQ(run(cat(ours, "pull -q ", name_at(front.address()))).code, 0);

  const Ran pushed = run(push_copy(ours, front));

  EXPECT_EQ(pushed.code, 0) << pushed.output;
  EXPECT_THAT(pushed.output, HasSubstr(digest_at_registry()));
}

TEST_F(ImageRegistryTest, upload_when_it_goes_on_elsewhere_then_credentials_do_not_go_along) {
  const RegistryFront other = start({}, "other");
  const RegistryFront front = start(
      {"--token", "ann:secret", "--single-scope", "--uploads-at", cat("http://", other.address())});
  const std::string ours = logged_in(front, with_settings("{}"));
  ASSERT_EQ(run(cat(ours, "pull -q ", name_at(front.address()))).code, 0);

  const Ran pushed = run(push_copy(ours, front));

  ASSERT_EQ(pushed.code, 0) << pushed.output;
  EXPECT_EQ(requests("PUT", "/blobs/uploads/", "other"), 4) << log("other");
  EXPECT_EQ(requests("PUT", "authorized", "other"), 0) << log("other");
}

TEST_F(ImageRegistryTest, credentials_when_a_redirection_asks_for_them_then_it_gets_none) {
  const RegistryFront other = start({"--token", "eve:other"}, "other");
  const RegistryFront front =
      start({"--token", "ann:secret", "--blobs-at", cat("http://", other.address())});
  const std::string ours = logged_in(front, with_settings("{}"));

  const Ran pulled = run(cat(ours, "pull -q ", name_at(front.address())));

  EXPECT_NE(pulled.code, 0);
  EXPECT_THAT(pulled.output, HasSubstr(cat("leads to 'http://", other.address())));
  EXPECT_THAT(pulled.output, HasSubstr("wants credentials"));
  EXPECT_GE(requests("GET", "/blobs/", "other"), 1) << log("other");
  EXPECT_EQ(requests("GET", "authorized", "other"), 0) << log("other");
}

TEST_F(ImageRegistryTest, upload_when_it_would_leave_tls_then_it_is_refused) {
  const RegistryFront plain = start({}, "plain");
  const RegistryFront front =
      start({"--tls", make_certificate(), "--token", "ann:secret", "--single-scope", "--uploads-at",
             cat("http://", plain.address())});
  const std::string ours = logged_in(front, trusting(front));
  ASSERT_EQ(run(cat(ours, "pull -q ", name_at(front.address()))).code, 0);

  const Ran pushed = run(push_copy(ours, front));

  EXPECT_NE(pushed.code, 0);
  EXPECT_THAT(pushed.output, HasSubstr("is not behind TLS"));
  EXPECT_EQ(log("plain"), "");
}

TEST_F(ImageRegistryTest, redirection_when_it_would_leave_tls_then_it_is_refused) {
  const RegistryFront plain = start({}, "plain");
  const RegistryFront front =
      start({"--tls", make_certificate(), "--blobs-at", cat("http://", plain.address())});

  const Ran pulled = run(cat(trusting(front), "pull -q ", name_at(front.address())));

  EXPECT_NE(pulled.code, 0);
  EXPECT_THAT(pulled.output, HasSubstr(cat("leads to 'http://", plain.address())));
  EXPECT_THAT(pulled.output, HasSubstr("is not behind TLS"));
  EXPECT_EQ(log("plain"), "");
}

TEST_F(ImageRegistryTest, authorities_when_there_are_many_then_each_endpoint_gets_them) {
  const RegistryFront front = start({"--tls", make_certificate()});
  // PEM passes over what stands between certificates.
  ASSERT_EQ(run(cat("yes '# nobody' | head -c 40000 >>", at("tls.crt"))).code, 0);
  const std::string ours =
      with_settings(cat(R"({"registries":[{"prefix":")", front.address(),
                        R"(","insecure":true,"ca":")", at("tls.crt"), R"("}]})"));

  const Ran pulled = run(cat(ours, "pull -q ", name_at(front.address())));

  EXPECT_EQ(pulled.code, 0) << pulled.output;
}

TEST_F(ImageRegistryTest, manifest_when_the_first_endpoint_is_silent_then_the_next_gets_it_whole) {
  image::Settings settings;
  settings.worker = program("proa-worker");
  image::Endpoint silent;
  silent.base = "http://127.0.0.1:1";
  silent.repository = "team/app";
  image::Endpoint good = silent;
  good.base = cat("http://", registry_->address());
  const auto reader = image::Fetcher::start(settings, {good}, image::Purpose::pull, {});
  ASSERT_OK(reader);
  const auto manifest = reader.value()->manifest("1");
  ASSERT_OK(manifest);
  const auto writer = image::Fetcher::start(settings, {silent, good}, image::Purpose::push, {});
  ASSERT_OK(writer);

  const auto put =
      writer.value()->put_manifest("2", manifest.value().media_type, manifest.value().text);

  ASSERT_OK(put);
  const auto copy = reader.value()->manifest("2");
  ASSERT_OK(copy);
  EXPECT_EQ(copy.value().text, manifest.value().text);
}

TEST_F(ImageRegistryTest, download_when_it_breaks_then_it_goes_on_where_it_was) {
  const RegistryFront front = start({"--cut", "1000000"});

  const Ran pulled = image(cat("pull -q ", name_at(front.address())));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(image("verify").code, 0);
  EXPECT_GE(requests("GET", "bytes=1000000-"), 3) << log();
}

TEST_F(ImageRegistryTest, download_when_it_breaks_behind_the_last_byte_then_it_is_whole) {
  const RegistryFront front = start({"--endless"});

  const Ran pulled = image(cat("pull -q ", name_at(front.address())));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(image("verify").code, 0);
  EXPECT_EQ(requests("GET", "bytes="), 0) << log();
}

// What an earlier process had received is asked for no more.
TEST_F(ImageRegistryTest, download_when_killed_then_the_next_process_goes_on) {
  const RegistryFront slow = start({"--cut", "1500000", "--refuse", "0"});
  const Ran killed =
      run(cat("strace -f -qq -o /dev/null -e trace=write -e inject=write:signal=KILL:when=9 ",
              images("root"), "pull -q ", name_at(slow.address())));
  ASSERT_NE(killed.code, 0);
  const Ran partial = run(cat("find ", at("root/partial"), " -size +0 | wc -l"));

  const Ran pulled = image(cat("pull -q ", name()));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(image("verify").code, 0);
  EXPECT_NE(trimmed(partial), "0");
  EXPECT_EQ(trimmed(run(cat("find ", at("root/partial"), " -type f | wc -l"))), "0");
}

TEST_F(ImageRegistryTest, registry_when_it_is_busy_then_it_is_asked_again) {
  const RegistryFront front = start({"--refuse", "1"});

  const Ran pulled = image(cat("pull -q ", name_at(front.address())));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_EQ(image("verify").code, 0);
}

TEST_F(ImageRegistryTest, registry_when_it_says_how_long_it_is_busy_then_that_is_waited_for) {
  const RegistryFront front = start({"--busy", "1"});

  const Ran pulled = image(cat("pull -q ", name_at(front.address())));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
}

TEST_F(ImageRegistryTest, wrong_byte_when_in_a_layer_then_the_image_is_refused_and_nothing_stays) {
  const RegistryFront front = start({"--damage", "1234567"});

  const Ran pulled = image(cat("pull -q ", name_at(front.address())));

  EXPECT_NE(pulled.code, 0);
  EXPECT_THAT(pulled.output, HasSubstr("layer sha256:"));
  EXPECT_EQ(trimmed(image("ls")), "NAME  ID  CREATED  SIZE");
  EXPECT_EQ(image("prune").code, 0);
  EXPECT_EQ(trimmed(run(cat("find ", at("root/layers"), " ", at("root/partial"), " ",
                            at("root/content/blobs"), " -type f | wc -l"))),
            "0");
}

TEST_F(ImageRegistryTest, mirror_when_it_lacks_the_layers_then_they_come_from_the_registry) {
  const RegistryFront mirror = start({"--without-blobs"});
  const std::string ours =
      with_settings(cat(R"({"registries":[{"prefix":")", registry_->address(),
                        R"(","mirrors":["http://)", mirror.address(), R"("]}]})"));

  const Ran pulled = run(cat(ours, "pull ", name()));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_THAT(pulled.output, HasSubstr(digest_at_registry()));
  EXPECT_GE(requests("GET", "/manifests/"), 1) << log();
}

TEST_F(ImageRegistryTest, mirror_when_it_has_all_then_the_registry_is_not_asked) {
  const RegistryFront mirror = start({});
  const std::string absent = "registry.invalid:5000";
  const std::string ours =
      with_settings(cat(R"({"registries":[{"prefix":")", absent, R"(","mirrors":["http://)",
                        mirror.address(), R"("]}]})"));

  const Ran pulled = run(cat(ours, "pull ", name_at(absent)));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
  EXPECT_THAT(pulled.output, HasSubstr(digest_at_registry()));
  EXPECT_THAT(image("ls").output, HasSubstr(absent));
}

TEST_F(ImageRegistryTest, progress_when_asked_for_as_json_then_each_layer_tells_its_stages) {
  const Ran pulled = image(cat("pull --json ", name()));

  ASSERT_EQ(pulled.code, 0) << pulled.output;
  int downloads = 0;
  int complete = 0;
  for (const std::string_view line : split(trim(pulled.output), '\n')) {
    const auto value = json::parse(line, "progress");
    ASSERT_OK(value);
    const json::Reader reader(value.value(), "progress");
    const auto status = reader.find("status");
    ASSERT_TRUE(status) << line;
    const std::string text = status->string().take();
    if (text == "Downloading") {
      ++downloads;
      EXPECT_TRUE(reader.find("id") && reader.find("progressDetail")) << line;
    }
    complete += text == "Pull complete" ? 1 : 0;
  }
  EXPECT_GE(downloads, 3) << pulled.output;
  EXPECT_EQ(complete, 3) << pulled.output;
}

}  // namespace
}  // namespace proa::tests
