// What Dockerfiles can say beyond the classic builder's words: heredocs, flags of COPY and ADD,
// mounts of RUN, files from URLs.
#include <atomic>
#include <map>
#include <thread>

#include "base/digest.h"
#include "io/http/server.h"
#include "kernel/socket/internet.h"
#include "tests/system/build_fixture.h"

namespace proa::fixtures {
namespace {

class BuildLanguage : public BuildTest {
 protected:
  // What Python makes of `input`: compression that nothing else here has.
  static std::string python(const std::string& expression, const std::string& input) {
    const Output output = fixtures::run({.arguments = {"/usr/bin/python3", "-c",
                                                       cat("import bz2, gzip, lzma, sys\n"
                                                           "data = sys.stdin.buffer.read()\n"
                                                           "sys.stdout.buffer.write(",
                                                           expression, ")\n")},
                                         .input = input});
    EXPECT_EQ(output.code, 0) << output.err;
    return output.out;
  }
};

TEST_F(BuildLanguage, faults_that_need_no_step_are_told_before_any_runs) {
  const struct {
    const char *line, *says;
  } kFaults[] = {
      {"COPY --chwon=1 a b", "Dockerfile:3: unknown flag --chwon (did you mean --chown?)"},
      {"COPY --chmod=9z a b", "Dockerfile:3: '9z' is no mode"},
      {"COPY a", "it needs a source and a destination"},
      {"COPY a b $Y c", "the destination is a directory and ends in /"},
      {"COPY https://a/b c", "COPY takes no URL as its source"},
      {"ADD --checksum=x https://a/b c", "Dockerfile:3:"},
      {"EXPOSE 80 70000", "invalid port '70000'"},
      {"STOPSIGNAL SIGFOO", "invalid signal 'SIGFOO'"},
      {"HEALTHCHECK --interval=x CMD true", "Dockerfile:3: --interval"},
      {"RUN --mount=type=what true", "unknown mount type 'what'"},
      {"RUN --network=moon true", "unknown network 'moon'"},
      {"USER", "USER needs a user"},
      {"ARG", "ARG needs a name"},
      {"SHELL sh", "SHELL needs a JSON array"},
  };
  for (const auto& fault : kFaults) {
    dockerfile(cat("RUN touch /ran\n", fault.line, "\n"));
    const Output failed = try_build();
    EXPECT_EQ(failed.code, 1) << fault.line;
    EXPECT_NE((failed.out + failed.err).find(fault.says), std::string::npos)
        << fault.line << ": " << failed.out << failed.err;
    EXPECT_EQ((failed.out + failed.err).find("RUN touch"), std::string::npos) << fault.line;
  }
  // What variables stand for is not known, and no fault.
  write("a", "1");
  dockerfile(
      "ARG PORT=80\nARG SUM\nARG TO=/d/\nENV MODE=0600 S=TERM W=/w\nEXPOSE $PORT $PORT/udp\n"
      "COPY --chmod=$MODE a a $TO\nSTOPSIGNAL $S\nWORKDIR $W\nVOLUME $W\nUSER ${NOBODY:-0}\n"
      "RUN --mount=type=cache,target=$W/cache true\nHEALTHCHECK CMD echo $HOME\n");
  build();
  EXPECT_EQ(in_image("stat -c %a /d/a"), "600");
}

TEST_F(BuildLanguage, arguments_that_no_ARG_takes_are_told) {
  dockerfile("ARG USED\nRUN true\n");
  const Output told = build({"--build-arg", "USED=1", "--build-arg", "ZEBRA=1", "--build-arg",
                             "APE=1", "--build-arg", "HTTP_PROXY=x"});
  EXPECT_NE(
      (told.out + told.err).find("[Warning] One or more build-args [APE ZEBRA] were not consumed"),
      std::string::npos)
      << told.out << told.err;
  const Output silent = build({"--build-arg", "USED=1", "--build-arg", "no_proxy=x"});
  EXPECT_EQ((silent.out + silent.err).find("[Warning]"), std::string::npos);
  // An ARG that the base asks of what is made from it takes its own, too.
  dockerfile("ONBUILD ARG LATER\n");
  build();
  write("Dockerfile", "FROM built\n");
  const Output later = build({"--build-arg", "LATER=1"});
  EXPECT_EQ((later.out + later.err).find("[Warning]"), std::string::npos) << later.err;
}

// Serves files on a port of the loopback, and counts what it was asked for.
class FileServer {
 public:
  explicit FileServer(std::map<std::string, std::string> files) : files_(std::move(files)) {
    auto listener =
        socket::bind_internet(socket::Transport::tcp, {IpAddress::parse("127.0.0.1").value()});
    CHECK(listener.ok());
    listener_ = listener.take();
    thread_ = std::thread([this] {
      discard(server_.serve({listener_}), "a client then finds nobody, and the test fails");
    });
  }
  ~FileServer() {
    server_.stop();
    thread_.join();
  }
  std::string url(const std::string& path) const {
    return cat("http://127.0.0.1:", socket::port_of(listener_).value(), path);
  }
  int asked() const { return asked_; }

 private:
  void answer(http::Connection& connection, const http::RequestHead& head) {
    ++asked_;
    const auto file = files_.find(head.path);
    http::Headers headers;
    headers.add("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT");
    discard(connection.respond(file == files_.end() ? 404 : 200, headers,
                               file == files_.end() ? "" : file->second),
            "the client has gone");
  }

  std::map<std::string, std::string> files_;
  Fd listener_;
  std::atomic<int> asked_ = 0;
  http::Server server_{{},
                       [this](http::Connection& connection, const http::RequestHead& head) {
                         answer(connection, head);
                       },
                       [](http::Connection&, const Error&) {}};
  std::thread thread_;
};

TEST_F(BuildLanguage, takes_heredocs_of_every_kind) {
  dockerfile(
      "ARG WHO=world\nCOPY <<one <<\"two\" /d/\nhello $WHO\none\nhello $WHO\ntwo\n"
      "COPY --chmod=711 --chown=user <<-EOF /tabs\n\tindented\n\t\ttwice\nEOF\n"
      "RUN <<EOF\nset -e\necho a > /a\nfalse || echo b > /b\nEOF\n"
      "RUN <<EOF cat > /c; cat <<SECOND > /e\nfrom stdin\nEOF\nsecond\nSECOND\n"
      "RUN <<EOF\n#!/bin/awk -f\nBEGIN { print \"awk\" > \"/f\" }\nEOF\n");
  build();
  EXPECT_EQ(in_image("cat /d/one /d/two /tabs /a /b /c /e /f; stat -c '%a %u' /tabs"),
            "hello world\nhello $WHO\nindented\ntwice\na\nb\nfrom stdin\nsecond\nawk\n711 1000");
}

TEST_F(BuildLanguage, takes_every_flag_of_copy) {
  write("src/a/one.txt", "1");
  write("src/a/two.md", "2");
  write("src/b/three.txt", "3");
  dockerfile(
      "COPY --link --chmod=u=rwX,go= --chown=12:34 src /linked/\n"
      "COPY --parents src/./a/*.txt src/b /parents/\n"
      "COPY --exclude=**/*.md --exclude=b src /less/\n"
      "COPY --parents src/*/*.txt /all/\n");
  build();
  EXPECT_EQ(in_image("cd /; find linked parents less all -type f | sort; "
                     "stat -c '%a %u:%g' /linked/a /linked/a/one.txt"),
            "all/src/a/one.txt\nall/src/b/three.txt\nless/a/one.txt\nlinked/a/one.txt\n"
            "linked/a/two.md\nlinked/b/three.txt\nparents/a/one.txt\nparents/src/b/three.txt\n"
            "700 12:34\n600 12:34");
}

// --link: the layer does not depend on what is below it, so it need not be made again.
TEST_F(BuildLanguage, makes_a_linked_copy_once_whatever_is_below_it) {
  write("f", "x");
  dockerfile("RUN echo 1 > /a\nCOPY --link f /deep/f\n");
  build();
  dockerfile("RUN echo 2 > /a\nCOPY --link f /deep/f\n");
  const Output again = build();
  const std::size_t copy = again.err.find("COPY --link");
  ASSERT_NE(copy, std::string::npos);
  EXPECT_NE(again.err.find("CACHED", copy), std::string::npos) << again.err;
  EXPECT_EQ(in_image("cat /a /deep/f"), "2\nx");
}

TEST_F(BuildLanguage, carries_out_what_a_base_wants_done) {
  dockerfile(
      "SHELL [\"/bin/sh\", \"-ec\"]\nHEALTHCHECK --interval=7s --start-interval=2s --retries=2 CMD "
      "test -e /x\nSTOPSIGNAL 9\nONBUILD COPY late /late\nONBUILD RUN cat /late > /seen\n");
  build();
  docker({"tag", "built", "trigger:1"});
  write("late", "came late");
  write("Dockerfile", "FROM trigger:1\nRUN false; true\n");
  EXPECT_NE(try_build().code, 0);  // the base's shell ends at the first failure
  write("Dockerfile", "FROM trigger:1\n");
  build();
  EXPECT_EQ(in_image("cat /seen"), "came late");
  EXPECT_EQ(
      docker({"image", "inspect", "-f",
              "{{json .Config.Shell}} {{.Config.Healthcheck.Test}} "
              "{{.Config.Healthcheck.Retries}} {{.Config.StopSignal}} {{len .Config.OnBuild}}",
              "built"}),
      "[\"/bin/sh\",\"-ec\"] [CMD-SHELL test -e /x] 2 9 0");
}

TEST_F(BuildLanguage, mounts_what_run_asks_for) {
  write("one/file", "content");
  write("key", "hush");
  dockerfile(
      "RUN --mount=target=/ctx --mount=source=one/file,target=/single cat /single /ctx/one/file > "
      "/a; ! touch /ctx/x 2>/dev/null && ! touch /single 2>/dev/null\n"
      "RUN --mount=target=/ctx,rw echo changed > /ctx/one/file && cat /ctx/one/file > /b\n"
      "RUN --mount=type=cache,target=/c,mode=0750,uid=3,gid=4 stat -c '%a %u:%g' /c > /c1; "
      "echo kept > /c/k\n"
      "RUN --mount=type=cache,target=/c,mode=0750,uid=3,gid=4,readonly cat /c/k > /c2; "
      "! touch /c/x 2>/dev/null\n"
      "RUN --mount=type=tmpfs,target=/t,size=1m ! head -c 2000000 /dev/zero > /t/x 2>/dev/null\n"
      "RUN --mount=type=secret,id=key,env=KEY,target=/k,mode=0444 cat /k > /s; echo $KEY >> /s\n"
      "RUN --mount=type=secret,id=absent ls /run/secrets 2>/dev/null | wc -l > /n\n");
  build({"--secret", cat("id=key,src=", context_, "/key")});
  EXPECT_EQ(
      in_image("cat /a; echo; cat /b /c1 /c2 /s /n; ls -d /ctx /single /c /t /k 2>/dev/null; true"),
      "contentcontent\nchanged\n750 3:4\nkept\nhushhush\n0");
}

// Two stages count up in one cache at the same time; `locked` lets one of them in.
TEST_F(BuildLanguage, lets_one_step_at_a_time_into_a_locked_cache) {
  const std::string count =
      "RUN --mount=type=cache,id=n,target=/n,sharing=locked "
      "n=$(cat /n/n 2>/dev/null || echo 0); sleep 0.3; echo $((n + 1)) > /n/n; cp /n/n /out\n";
  write("Dockerfile",
        cat("FROM ", kTestImage, " AS a\nENV A=1\n", count, "FROM ", kTestImage, " AS b\nENV B=1\n",
            count, "FROM ", kTestImage, "\nCOPY --from=a /out /a\nCOPY --from=b /out /b\n"));
  build();
  EXPECT_EQ(in_image("cat /a /b | sort"), "1\n2");
}

TEST_F(BuildLanguage, fetches_files_and_holds_them_to_their_checksum) {
  const std::string content = "fetched\n";
  const FileServer server({{"/dir/file.txt", content}});
  const std::string url = server.url("/dir/file.txt");
  dockerfile(cat("ADD ", url, "?x=1 /in/\nADD --chmod=644 --chown=user ", url, " /named\n"));
  build();
  EXPECT_EQ(in_image("cat /in/file.txt; stat -c '%a %u %Y' /in/file.txt /named"),
            "fetched\n600 0 1700000000\n644 1000 1700000000");
  EXPECT_EQ(build().err.find("DONE"), std::string::npos);

  const int asked = server.asked();
  dockerfile(cat("ADD --checksum=", Digest::of(content).text(), " ", url, " /held\n"));
  build();
  EXPECT_EQ(server.asked(), asked + 1);
  build();
  EXPECT_EQ(server.asked(), asked + 1);  // what it is to be is here

  dockerfile(cat("ADD --checksum=", Digest::of("other").text(), " ", url, " /held\n"));
  const Output wrong = try_build();
  EXPECT_NE(wrong.err.find(Digest::of(content).text()), std::string::npos) << wrong.err;
  dockerfile(cat("ADD ", server.url("/none"), " /held\n"));
  const Output missing = try_build();
  EXPECT_NE(missing.err.find("404"), std::string::npos) << missing.err;
  EXPECT_NE(missing.err.find("Dockerfile:2"), std::string::npos) << missing.err;
  dockerfile(cat("COPY ", url, " /held\n"));
  EXPECT_NE(try_build().code, 0);
}

TEST_F(BuildLanguage, unpacks_archives_by_what_they_hold) {
  write("in/f", "in an archive");
  const Output packed = fixtures::run(
      {.arguments = {"/bin/tar", "-C", cat(context_, "/in"), "--owner=7", "--group=8", "-c", "f"}});
  write("a.tar", packed.out);
  write("a.gz", python("gzip.compress(data)", packed.out));
  write("a.xz", python("lzma.compress(data)", packed.out));
  write("a.bz2", python("bz2.compress(data)", packed.out));
  write("text.xz", python("lzma.compress(data)", std::string(5000, 't')));
  const FileServer server({{"/a.tar", packed.out}});
  dockerfile(cat("ADD a.tar /tar/\nADD a.gz /gz/\nADD a.xz /xz/\nADD a.bz2 /bz2/\n",
                 "ADD text.xz /text/\nADD --unpack=false a.tar /whole/\nADD ", server.url("/a.tar"),
                 " /fetched/\nADD --unpack=true ", server.url("/a.tar"), " /unpacked/\n"));
  build();
  EXPECT_EQ(in_image("cd /; find tar gz xz bz2 text whole fetched unpacked -type f | sort; "
                     "stat -c '%u:%g' /xz/f /unpacked/f"),
            "bz2/f\nfetched/a.tar\ngz/f\ntar/f\ntext/text.xz\nunpacked/f\nwhole/a.tar\nxz/f\n"
            "7:8\n7:8");
  const std::string whole = python("lzma.compress(data)", packed.out);
  write("cut.xz", whole.substr(0, whole.size() - 20));
  dockerfile("ADD cut.xz /x/\n");
  EXPECT_NE(try_build().err.find("ends early"), std::string::npos);
}

}  // namespace
}  // namespace proa::fixtures
