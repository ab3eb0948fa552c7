// Images that Proa built on Debian's dockerd, and the other way round.
#include "tests/fixtures/dockerd.h"
#include "tests/system/build_fixture.h"

namespace proa::fixtures {
namespace {

class BuildExchange : public BuildTest {
 protected:
  void SetUp() override {
    BuildTest::SetUp();
    if (IsSkipped()) return;
    const std::string home = cat(engine().scratch(), "/docker");
    ASSERT_OK(file::make_directory(FdRef::cwd(), home, 0700));
    dockerd_.emplace(home, "/proa-test-exchange");
    write("tool", "#!/bin/sh\necho \"$GREETING from $(id -un) in $(pwd)\"; ls /old /new\n", 0755);
    dockerfile(
        "ENV GREETING=hello\nRUN mkdir /old /new && touch /old/a /old/b && chown -R user /new\n"
        "COPY --chown=user tool /bin/tool\nRUN rm /old/a && rm -r /new && mkdir /new && "
        "ln /old/b /new/b && ln -s b /new/c\nUSER user\nWORKDIR /home\nCMD [\"tool\"]\n");
  }
  void TearDown() override {
    dockerd_.reset();
    BuildTest::TearDown();
  }

  static constexpr const char* kSaid = "hello from user in /home\n/new:\nb\nc\n\n/old:\nb\n";
  std::optional<Dockerd> dockerd_;
};

// One test, for the daemon takes seconds to start.
TEST_F(BuildExchange, images_run_where_they_were_not_built) {
  const auto theirs = [&](const std::vector<std::string>& arguments, std::string input = {}) {
    const Output output = dockerd_->docker(arguments, std::move(input));
    EXPECT_EQ(output.code, 0) << join(arguments, " ") << ": " << output.err;
    return output.out;
  };
  build();
  const std::string archive = cat(engine().scratch(), "/ours.tar");
  EXPECT_EQ(engine().proa({"save", "-o", archive, "built", kTestImage}).code, 0);
  theirs({"load", "-i", archive});
  EXPECT_EQ(theirs({"run", "--rm", "--network=none", "built"}), kSaid);

  // By the same Dockerfile and base, with docker's own builder.
  theirs({"build", "--network=host", "-t", "theirs", context_});
  theirs({"save", "-o", archive, "theirs"});
  EXPECT_EQ(engine().proa({"load", "-i", archive}).code, 0);
  EXPECT_EQ(docker({"run", "--rm", "--network=none", "theirs"}) + "\n", kSaid);
  // And built upon.
  write("Dockerfile", "FROM theirs\nRUN tool > /tmp/said\n");
  build();
  EXPECT_EQ(in_image("cat /tmp/said") + "\n", kSaid);
}

}  // namespace
}  // namespace proa::fixtures
