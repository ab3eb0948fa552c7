// Builds through the engine: by `proa build`, which reads the context in place, and by Debian's
// docker, which sends it as a tar.
#include <unistd.h>

#include <thread>

#include "tests/system/build_fixture.h"

namespace proa::fixtures {
namespace {

class Build : public BuildTest {};

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

TEST_F(Build, has_its_steps_on_a_network_as_containers_are) {
  docker({"network", "create", "--subnet", "10.199.7.0/24", "yard"});
  docker({"run", "-d", "--network", "yard", "--name", "ship", kTestImage, "sh", "-c",
          "mkdir /www; echo afloat > /www/index.html; httpd -f -p 80 -h /www"});
  // The same place for all steps of the build, low ports included.
  dockerfile(
      "RUN grep -c . /proc/net/dev > /devices; ip -4 -o addr show eth0 > /address\n"
      "RUN ip -4 -o addr show eth0 | cmp - /address\n"
      "RUN (echo x | nc -l -p 80 > /dev/null) & sleep 0.2; nc -w 2 127.0.0.1 80 < /dev/null\n"
      "RUN printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ship 80 > /page\n"
      "RUN nslookup far 2> /dev/null; grep far /etc/hosts > /hosts\n");
  build({"--network", "yard", "--add-host", "far:192.0.2.9"});
  EXPECT_NE(in_image("cat /address").find("10.199.7."), std::string::npos);
  EXPECT_NE(in_image("cat /page").find("afloat"), std::string::npos);
  EXPECT_EQ(in_image("cat /hosts"), "192.0.2.9\tfar");
  docker({"rm", "-f", "ship"});
  // Left with the build: nobody is on it any more.
  docker({"network", "rm", "yard"});
}

TEST_F(Build, reaches_the_hosts_own_network_only_where_the_build_was_given_it) {
  std::string own(64, '\0');
  own.resize(static_cast<std::size_t>(
      std::max<ssize_t>(::readlink("/proc/self/ns/net", own.data(), own.size()), 0)));
  dockerfile("RUN readlink /proc/self/ns/net > /network\n");
  build();
  EXPECT_NE(in_image("cat /network"), own);
  build({"--network", "host"});
  EXPECT_EQ(in_image("cat /network"), own);
  dockerfile("RUN --network=host true\n");
  const Output refused = try_build();
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.err.find("Dockerfile:2: RUN --network=host"), std::string::npos) << refused.err;
  build({"--network", "host"});
  dockerfile("RUN true\n");
  EXPECT_NE(try_build({"--network", "container:none"}).code, 0);
  EXPECT_NE(try_build({"--network", "nowhere"}).err.find("network nowhere not found"),
            std::string::npos);
}

TEST_F(Build, when_proad_is_killed_leaves_no_place_on_a_network) {
  dockerfile("RUN sleep 1000\n");
  const auto veth = [] {
    return fixtures::run({.arguments = {"/usr/sbin/ip", "-br", "link", "show", "type", "veth"}})
        .out;
  };
  const std::string before = veth();
  std::jthread client([&] { try_build(); });
  EXPECT_TRUE(eventually([&] { return veth() != before; }));
  engine().kill();
  client.join();
  EXPECT_TRUE(eventually([&] { return veth() == before; }));
  ASSERT_OK(engine().restart());
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
