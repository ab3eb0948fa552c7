// Builds through the engine: by `proa build`, which reads the context in place, and by Debian's
// docker, which sends it as a tar; honest contexts and others.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"
#include "tests/fixtures/tar_builder.h"

namespace proa::fixtures {
namespace {

class Build : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    context_ = cat(engine().scratch(), "/context");
    ASSERT_OK(file::make_directories(context_, 0755));
  }

  void write(const std::string& name, std::string_view content, mode_t mode = 0644) {
    const std::string path = cat(context_, "/", name);
    ASSERT_OK(file::make_directories(path.substr(0, path.rfind('/')), 0755));
    const auto made = file::open(path, O_CREAT | O_TRUNC | O_WRONLY, mode);
    ASSERT_OK(made);
    ASSERT_OK(file::write_all(made.value(), bytes_of(content)));
  }
  void dockerfile(std::string_view text) {
    write("Dockerfile", cat("FROM ", kTestImage, "\n", text));
  }

  // `proa build` of the context; fails the test where it does not exit with 0.
  Output build(std::vector<std::string> arguments = {}) {
    Output output = try_build(std::move(arguments));
    EXPECT_EQ(output.code, 0) << output.out << output.err;
    return output;
  }
  Output try_build(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"build", "--progress", "plain", "-t", "built"});
    arguments.push_back(context_);
    return engine().proa(arguments);
  }
  // What a command in the image prints.
  std::string in_image(const std::string& script) {
    return docker(
        {"run", "--rm", "--network", "none", "--entrypoint", "sh", "built", "-c", script});
  }

  std::string context_;
};

TEST_F(Build, gives_an_image_with_files_and_configuration) {
  write("app/run.sh", "#!/bin/sh\necho \"hello $NAME\"\n", 0755);
  write("app/skip.log", "no");
  write(".dockerignore", "**/*.log\n");
  dockerfile(
      "ARG NAME=nobody\nENV NAME=$NAME\nWORKDIR /srv\nCOPY app ./\nRUN echo made > made && id -u > "
      "uid\n"
      "RUN <<EOF\necho from a heredoc > doc\nEOF\nLABEL a=b\nEXPOSE 80\nUSER 7\nCMD "
      "[\"./run.sh\"]\n");
  build({"--build-arg", "NAME=world"});
  EXPECT_EQ(docker({"run", "--rm", "--network", "none", "built"}), "hello world");
  EXPECT_EQ(in_image("cat /srv/made /srv/uid /srv/doc; ls /srv; id -u"),
            "made\n0\nfrom a heredoc\ndoc\nmade\nrun.sh\nuid\n7");
  EXPECT_EQ(
      docker({"image", "inspect", "-f", "{{.Config.Labels.a}} {{.Config.WorkingDir}}", "built"}),
      "b /srv");
}

TEST_F(Build, with_nothing_changed_does_nothing_and_gives_the_same_image) {
  write("a", "1");
  dockerfile("COPY a /a\nRUN cat /a > /b\n");
  build();
  const std::string first = docker({"image", "inspect", "-f", "{{.Id}}", "built"});
  const Output again = build();
  EXPECT_EQ(docker({"image", "inspect", "-f", "{{.Id}}", "built"}), first);
  EXPECT_EQ(again.err.find("DONE"), std::string::npos) << again.err;
  // Touched, but not changed.
  write("a", "1");
  EXPECT_EQ(build().err.find("DONE"), std::string::npos);
  write("a", "2");
  build();
  EXPECT_EQ(in_image("cat /b"), "2");
}

TEST_F(Build, takes_what_a_stage_has_and_skips_stages_that_nobody_needs) {
  write("Dockerfile",
        cat("FROM ", kTestImage, " AS base\nRUN mkdir /out && echo x > /out/f && ln -s f /out/l\n",
            "FROM base AS broken\nRUN exit 3\nFROM ", kTestImage,
            "\nCOPY --from=base --chown=5:6 /out /in/\n"));
  build();
  EXPECT_EQ(in_image("cat /in/l; stat -c '%u %g %a' /in/f; readlink /in/l"), "x\n5 6 644\nf");
  const Output failed = try_build({"--target", "broken"});
  EXPECT_EQ(failed.code, 3);
  EXPECT_NE(failed.err.find("Dockerfile:4"), std::string::npos) << failed.err;
  EXPECT_NE(try_build({"--target", "brokn"}).err.find("did you mean broken"), std::string::npos);
}

TEST_F(Build, with_a_date_gives_the_same_digest_anywhere) {
  write("a", "1");
  dockerfile("COPY a /a\nRUN echo x > /b; mkdir /c\nWORKDIR /d\n");
  build({"--build-arg", "SOURCE_DATE_EPOCH=1700000000"});
  const std::string first = docker({"image", "inspect", "-f", "{{.Id}}", "built"});
  build({"--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1700000000"});
  EXPECT_EQ(docker({"image", "inspect", "-f", "{{.Id}}", "built"}), first);
}

TEST_F(Build, by_debians_docker_sends_a_tar_and_may_use_new_words) {
  write("f", "content");
  dockerfile(
      "RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t echo 1 >> /c/n; touch /t/x\n"
      "COPY <<EOF /doc\ntext\nEOF\nCOPY --link f /g\n");
  const Command command = engine().docker_command({"build", "-t", "built", context_});
  const Output output = proa::fixtures::run(command);
  EXPECT_EQ(output.code, 0) << output.out << output.err;
  EXPECT_NE(output.out.find("Successfully tagged built:latest"), std::string::npos) << output.out;
  EXPECT_EQ(in_image("cat /doc /g; ls -d /c /t 2>/dev/null | wc -l"), "text\ncontent0");
}

TEST_F(Build, keeps_secrets_out_of_the_image) {
  write("secret", "hush");
  dockerfile(
      "RUN --mount=type=secret,id=key,required=true test \"$(cat /run/secrets/key)\" = hush\n");
  build({"--secret", cat("id=key,src=", context_, "/secret")});
  EXPECT_EQ(in_image("ls -A /run 2>/dev/null | wc -l"), "0");
  EXPECT_NE(try_build({"--no-cache"}).code, 0);
}

TEST_F(Build, does_not_follow_links_out_of_the_context) {
  ASSERT_OK(file::make_directories(cat(engine().scratch(), "/outside"), 0755));
  ASSERT_EQ(::symlink("/etc/hostname", cat(context_, "/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../outside", cat(context_, "/upwards").c_str()), 0);
  dockerfile("COPY absolute /x\n");
  EXPECT_NE(try_build().code, 0);
  dockerfile("COPY upwards /x\n");
  EXPECT_NE(try_build().code, 0);
  dockerfile("COPY ../../../../etc/hostname /x\n");
  EXPECT_NE(try_build().code, 0);
}

// CVE-2024-23652 and others: what an image's links name lies in the image, never on the host.
TEST_F(Build, copies_and_binds_through_links_of_an_image_stay_in_the_image) {
  write(
      "Dockerfile",
      cat("FROM ", kTestImage,
          " AS evil\nRUN ln -s / /root-link && ln -s ../../../../../.. /up && "
          "ln -s /proc/1/root /proc-link && mkdir -p /etc && echo inside > /etc/hostname-of-image\n"
          "FROM ",
          kTestImage,
          "\nCOPY --from=evil /up/etc/hostname-of-image /a\nCOPY --from=evil "
          "/root-link/etc/hostname-of-image /b\n"
          "RUN --mount=type=bind,from=evil,source=/up/etc,target=/m cat /m/hostname-of-image > "
          "/c\n"));
  build();
  EXPECT_EQ(in_image("cat /a /b /c"), "inside\ninside\ninside");
  write("Dockerfile", cat("FROM ", kTestImage, " AS evil\nRUN ln -s /proc/1/root /p\nFROM ",
                          kTestImage, "\nCOPY --from=evil /p/etc/hostname /x\n"));
  EXPECT_NE(try_build().code, 0);
}

TEST_F(Build, onto_links_of_an_image_writes_below_the_image) {
  write("f", "x");
  dockerfile(
      "RUN ln -s ../../../../../../tmp/../out /link && ln -s /nowhere/deep /far\nCOPY f /link/f\n"
      "COPY f /far/f\n");
  build();
  EXPECT_EQ(in_image("cat /out/f /nowhere/deep/f"), "xx");
  EXPECT_FALSE(file::exists("/nowhere"));
}

TEST_F(Build, of_a_hostile_tar_is_refused) {
  const auto refused_tar = [&](const std::string& tar) {
    const Output output = engine().proa({"build", "--progress", "plain", "-"}, tar);
    EXPECT_NE(output.code, 0) << output.err;
  };
  const std::string file = cat("FROM ", kTestImage, "\nCOPY . /x\n");
  refused_tar(
      TarBuilder().add({.name = "Dockerfile", .content = file}).add({.name = "../up"}).finish());
  refused_tar(TarBuilder()
                  .add({.name = "Dockerfile", .content = file})
                  .add({.name = "l", .type = '1', .link = "/etc/passwd"})
                  .finish());
  refused_tar(TarBuilder().claim({.name = "Dockerfile"}, std::uint64_t{1} << 32).finish());
}

TEST_F(Build, bounds_endless_output_and_gigantic_lines) {
  dockerfile("RUN yes | head -c 20000000\n");
  const Output output = build();
  EXPECT_LT(output.err.size(), std::size_t{16} << 20);
  EXPECT_NE(output.err.find("output cut"), std::string::npos);
  dockerfile(cat("RUN echo ", std::string(3 << 20, 'x'), "\n"));
  EXPECT_NE(try_build().code, 0);
}

TEST_F(Build, names_what_is_wrong_and_what_was_meant) {
  dockerfile("RUNN true\n");
  EXPECT_NE(try_build().err.find("did you mean RUN"), std::string::npos);
  dockerfile("COPY --chwon=1 a b\n");
  EXPECT_NE(try_build().err.find("did you mean --chown"), std::string::npos);
  dockerfile("RUN --mount=type=ssh true\n");
  EXPECT_NE(try_build().err.find("ssh is not supported"), std::string::npos);
}

TEST_F(Build, leaves_no_trace_of_mounts_in_the_layer) {
  dockerfile("RUN --mount=type=tmpfs,target=/deep/er/still true\n");
  build();
  const std::string layers = docker({"image", "inspect", "-f", "{{len .RootFS.Layers}}", "built"});
  EXPECT_EQ(in_image("ls -d /deep 2>/dev/null | wc -l"), "0");
  EXPECT_FALSE(layers.empty());
}

TEST_F(Build, cancelled_by_its_client_leaves_nothing_running) {
  dockerfile("RUN sleep 1000\n");
  Command command = engine().proa_command({"build", "--progress", "plain", context_});
  command.limit = std::chrono::seconds(3);
  EXPECT_EQ(proa::fixtures::run(command).code, -1);
  dockerfile("RUN true\n");
  build();
}

}  // namespace
}  // namespace proa::fixtures
