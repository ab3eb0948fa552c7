// Nothing is lost when processes of the engine die at any moment: proad, a shim, at a write of its
// state, on a full disk.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/socket/connect.h"
#include "kernel/socket/unix_stream.h"
#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using fixtures::Engine;
using fixtures::kTestImage;
using fixtures::Output;
using fixtures::text_at;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kLines = 100;

std::string body_of(fixtures::Hull hull, const std::string& script, const std::string& more = "") {
  return cat(R"({"Image":")", kTestImage, R"(","Cmd":["sh","-c",")", script,
             R"("],"HostConfig":{"NetworkMode":"none","Runtime":")", fixtures::runtime_word(hull),
             "\"", more, "}}");
}

json::Value parsed(const std::string& text) {
  auto value = json::parse(text, "reply");
  return value.ok() ? value.take() : json::Value();
}

// A hijacked connection: what comes after the reply's head is kept until the stream ends.
class Stream {
 public:
  Stream(const Engine& engine, const std::string& path, const std::string& body) {
    const Fd directory = file::open(engine.run_directory(), O_PATH | O_DIRECTORY).take();
    connection_ = socket::connect_at(directory, "proa.sock").take();
    EXPECT_OK(socket::set_blocking(connection_, socket::Blocking::yes));
    EXPECT_OK(socket::send_all(
        connection_, cat("POST ", path,
                         " HTTP/1.1\r\nHost: proa\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                         "Content-Type: application/json\r\nContent-Length: ",
                         body.size(), "\r\n\r\n", body)));
    reader_ = std::thread([this] {
      std::array<std::byte, 16384> buffer;
      while (true) {
        const auto count = file::read_some(connection_, buffer);
        if (!count.ok() || count.value() == 0) break;
        const std::lock_guard lock(mutex_);
        text_ += text_of(ByteSpan(buffer).first(count.value()));
      }
    });
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    ::shutdown(connection_.get(), SHUT_RDWR);
    reader_.join();
  }

  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  Fd connection_;
  std::mutex mutex_;
  std::string text_;
  std::thread reader_;
};

// "line 0" to "line <count-1>", each once and in order.
bool has_all_lines(const std::string& text, const std::string& word, int count) {
  std::size_t at = 0;
  for (int number = 0; number < count; ++number) {
    const std::string line = cat(word, " ", number, "\n");
    const std::size_t found = text.find(line, at);
    if (found == std::string::npos) return false;
    at = found + line.size();
  }
  return text.find(cat(word, " "), at) == std::string::npos;
}

// What the log file of a workload holds, without its JSON.
std::string logged(const Engine& engine, const std::string& id) {
  const auto text = file::read_file(cat(engine.root(), "/workloads/", id, "/log.json"));
  std::string lines;
  if (!text.ok()) return lines;
  for (const std::string_view line : split(text.value(), '\n')) {
    if (!line.empty()) lines += text_at(parsed(std::string(line)), "log");
  }
  return lines;
}

class EngineFaults : public fixtures::HullTest {
 protected:
  std::string create_body(const std::string& script, const std::string& more = "") const {
    return proa::body_of(GetParam(), script, more);
  }
  Output post(const std::string& path, const std::string& body = "") {
    return engine().request("POST", cat("/v1.43", path), body);
  }
  json::Value inspect(const std::string& name) {
    return parsed(engine().request("GET", cat("/v1.43/containers/", name, "/json")).out);
  }
  std::string create(const std::string& name, const std::string& body) {
    const Output made = post(cat("/containers/create?name=", name), body);
    EXPECT_EQ(made.code, 201) << made.out;
    return text_at(parsed(made.out), "Id");
  }
  std::string start_new(const std::string& name, const std::string& body) {
    const std::string id = create(name, body);
    const Output started = post(cat("/containers/", id, "/start"));
    EXPECT_EQ(started.code, 204) << started.out;
    return id;
  }
  bool ends(const std::string& id, seconds limit = seconds(60)) {
    return fixtures::eventually([&] { return text_at(inspect(id), "State.Status") == "exited"; },
                                limit);
  }
};

std::string counting(const std::string& word, int lines) {
  return cat("i=0; while [ $i -lt ", lines, " ]; do echo ", word,
             " $i; i=$((i+1)); sleep 0.2; done");
}

// What somebody else asks for meanwhile; that proad dies under it is no failure.
void trouble(const Engine& engine, fixtures::Hull hull, const std::atomic<bool>& stopping) {
  for (int number = 0; !stopping; ++number) {
    const std::string name = cat("x", number % 5);
    const auto post = [&](const std::string& path, const std::string& body = "") {
      return engine.request("POST", cat("/v1.43", path), body);
    };
    post(cat("/containers/create?name=", name), body_of(hull, "sleep 1000"));
    post(cat("/containers/", name, "/start"));
    const Output exec = post(cat("/containers/", name, "/exec"), R"({"Cmd":["true"]})");
    post(cat("/exec/", text_at(parsed(exec.out), "Id"), "/start"), R"({"Detach":true})");
    engine.request("DELETE", cat("/v1.43/containers/", name, "?force=1"));
  }
}

TEST_P(EngineFaults, proad_when_it_is_killed_again_and_again_then_nothing_is_lost) {
  // Machines take seconds where containers take milliseconds.
  const int workloads = in_vm() ? 2 : 50;
  const int kills = in_vm() ? 10 : 50;
  const unsigned most = in_vm() ? 1000 : 60;  // milliseconds between them
  std::map<std::string, int> expected;
  for (int number = 0; number < workloads; ++number) {
    const std::string script = cat(counting("line", kLines), "; exit ", number % 7);
    expected[start_new(cat("c", number), create_body(script))] = number % 7;
  }
  const std::string again = start_new(
      "again", create_body("echo up; sleep 0.3; exit 1", R"(,"RestartPolicy":{"Name":"always"})"));
  const std::string healthy =
      start_new("healthy", cat(R"({"Image":")", kTestImage, R"(","Cmd":["sleep","1000"],)",
                               R"("Healthcheck":{"Test":["CMD","true"],"Interval":300000000},)",
                               R"("HostConfig":{"NetworkMode":"none","Runtime":")",
                               fixtures::runtime_word(GetParam()), R"("}})"));
  const std::string first = expected.begin()->first;
  Stream attached(engine(), cat("/v1.43/containers/", first, "/attach?stream=1&stdout=1&logs=1"),
                  "");
  const Output exec = post(cat("/containers/", healthy, "/exec"),
                           cat(R"({"AttachStdout":true,"Tty":true,"Cmd":["sh","-c",")",
                               counting("exec", kLines / 2), R"("]})"));
  Stream running(engine(), cat("/v1.43/exec/", text_at(parsed(exec.out), "Id"), "/start"),
                 R"({"Detach":false,"Tty":true})");
  ASSERT_TRUE(eventually([&] { return running.text().find("exec 0") != std::string::npos; }));

  std::atomic<bool> stopping = false;
  std::thread other([&] { trouble(engine(), GetParam(), stopping); });
  std::mt19937 random(65);
  for (int kill = 0; kill < kills; ++kill) {
    const auto moment = std::chrono::steady_clock::now() + milliseconds(random() % most);
    eventually([&] { return std::chrono::steady_clock::now() > moment; });
    engine().kill();
    const Result<void> restarted = engine().restart();
    EXPECT_OK(restarted);
    if (!restarted.ok()) break;
  }
  stopping = true;
  other.join();
  ASSERT_FALSE(HasFailure());

  const auto restarts = [&] {
    return parse_number<int>(text_at(inspect(again), "RestartCount")).take();
  };
  const int before = restarts();
  EXPECT_TRUE(eventually([&] { return restarts() > before; })) << "the restart policy goes on";
  const std::string probed = text_at(inspect(healthy), "State.Health.Log.0.Start");
  EXPECT_TRUE(eventually([&] {
    return text_at(inspect(healthy), "State.Health.Log.0.Start") != probed;
  })) << "health checks go on";
  EXPECT_EQ(text_at(inspect(healthy), "State.Health.Status"), "healthy");
  for (const auto& [id, code] : expected) {
    ASSERT_TRUE(ends(id, seconds(120))) << id;
    EXPECT_EQ(text_at(inspect(id), "State.ExitCode"), cat(code)) << id;
    EXPECT_TRUE(has_all_lines(logged(engine(), id), "line", kLines)) << logged(engine(), id);
  }
  EXPECT_TRUE(eventually([&] {
    return attached.text().find(cat("line ", kLines - 1, "\n")) != std::string::npos;
  })) << attached.text();
  EXPECT_TRUE(eventually([&] {
    return running.text().find(cat("exec ", kLines / 2 - 1, "\r\n")) != std::string::npos;
  }));
  for (int line = 0; line < kLines / 2; ++line) {
    EXPECT_NE(running.text().find(cat("exec ", line, "\r\n")), std::string::npos) << line;
  }
}

TEST_P(EngineFaults, shim_when_it_is_killed_then_its_workload_ends_and_is_told_or_restarted) {
  const std::string plain = start_new("plain", create_body("sleep 1000"));
  const std::string again =
      start_new("again", create_body("sleep 1000", R"(,"RestartPolicy":{"Name":"always"})"));
  const std::string inside = text_at(inspect(plain), "State.Pid");
  const std::string before = text_at(inspect(again), "State.Pid");
  for (const std::string& id : {plain, again}) {
    const pid_t shim = engine().shim_of(id);
    ASSERT_GT(shim, 0);
    ::kill(shim, SIGKILL);
  }
  ASSERT_TRUE(ends(plain));
  EXPECT_EQ(text_at(inspect(plain), "State.ExitCode"), "137");
  EXPECT_TRUE(eventually([&] { return !file::exists(cat("/proc/", inside)); }));
  EXPECT_TRUE(eventually([&] {
    const json::Value now = inspect(again);
    return text_at(now, "State.Status") == "running" && text_at(now, "State.Pid") != before;
  }));
}

TEST_P(EngineFaults, shim_when_it_dies_while_proad_is_dead_then_the_next_one_ends_its_workload) {
  const std::string id = start_new("plain", create_body("sleep 1000"));
  const pid_t shim = engine().shim_of(id);
  ASSERT_GT(shim, 0);
  engine().kill();
  ::kill(shim, SIGKILL);
  ASSERT_OK(engine().restart());
  ASSERT_TRUE(ends(id));
  EXPECT_EQ(text_at(inspect(id), "State.ExitCode"), "137");
}

TEST_P(EngineFaults, disk_when_it_is_full_then_says_so_and_recovers) {
  const auto disk = fixtures::SmallDisk::below(engine(), 40);
  ASSERT_OK(disk);
  const std::string id = create("before", create_body("echo fine"));
  ASSERT_OK(disk.value().fill());
  const Output refused = post("/containers/create?name=more", create_body("echo more"));
  const Output start = post(cat("/containers/", id, "/start"));
  EXPECT_TRUE(refused.code >= 500 || start.code >= 500) << refused.code << " " << start.code;
  EXPECT_NE(cat(refused.out, start.out).find("No space left"), std::string::npos)
      << refused.out << start.out;
  ASSERT_OK(disk.value().make_room());
  const Output again = post(cat("/containers/", id, "/start"));
  EXPECT_EQ(again.code, 204) << again.out;
  EXPECT_TRUE(ends(id));
  EXPECT_EQ(text_at(inspect(id), "State.ExitCode"), "0");
  EXPECT_EQ(engine().request("DELETE", cat("/v1.43/containers/", id, "?force=1")).code, 204);
  eventually([&] { return !file::exists(cat(engine().run_directory(), "/w/", id)); });
}

// proad dies at its n-th write of anything to disk, and opens again with what was done by then.
TEST_P(EngineFaults, state_when_proad_dies_at_any_write_then_opens_again) {
  const std::string id = create("kept", create_body("sleep 0.1; exit 3"));
  engine().kill();
  for (int write = 1; write < 40; write += 3) {
    const std::string program = fixtures::built_program("proad");
    fixtures::Capture nowhere;
    auto traced = process::Child::spawn(
        {.program = "/usr/bin/strace",
         // -D: the child is proad, and strace the one that is detached.
         .arguments = {"strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
                       "trace=pwrite64,fdatasync,fsync,renameat,ftruncate,unlink,unlinkat", "-e",
                       cat("inject=pwrite64,fdatasync,fsync,renameat,ftruncate:signal=KILL:when=",
                           write),
                       program, "--root", engine().root(), "--run", engine().run_directory()},
         .standard_error = nowhere.fd()});
    ASSERT_OK(traced);
    fixtures::eventually(
        [&] {
          return engine().request("GET", "/_ping").out == "OK" ||
                 traced.value().wait_for(milliseconds(0)).take().has_value();
        },
        seconds(20));
    const std::string name = cat("w", write);
    const Output made =
        post(cat("/containers/create?name=", name), create_body("sleep 0.1; exit 4"));
    const Output started = post(cat("/containers/", name, "/start"));
    post(cat("/containers/", name, "/wait"));
    engine().request("DELETE", cat("/v1.43/containers/", name, "?force=1"));
    discard(traced.value().signal(SIGTERM), "it may be dead");
    discard(traced.value().wait_for(seconds(20)), "it was told to end");
    {
      const process::Child gone = traced.take();
    }

    ASSERT_OK(engine().restart());
    EXPECT_EQ(text_at(inspect(id), "Id"), id) << "write " << write;
    const json::Value left = inspect(name);
    if (made.code == 201 && text_at(left, "Id").empty()) {
      // Removed, as it was asked; it must not be there under any name.
      EXPECT_EQ(engine().request("GET", cat("/v1.43/containers/", name, "/json")).code, 404);
    }
    if (started.code == 204 && !text_at(left, "Id").empty()) {
      EXPECT_TRUE(ends(name)) << "write " << write;
    }
    engine().request("DELETE", cat("/v1.43/containers/", name, "?force=1"));
    engine().kill();
  }
  ASSERT_OK(engine().restart());
  EXPECT_EQ(post(cat("/containers/", id, "/start")).code, 204);
  EXPECT_TRUE(ends(id));
  EXPECT_EQ(text_at(inspect(id), "State.ExitCode"), "3");
}

PROA_ON_HULLS(EngineFaults);

// The journal is the shim's, whatever hull it carries: one will do.
class JournalFaults : public EngineFaults {};

// A shim dies at its n-th write of the journal; proad tells of the end, and goes on from what was
// written by then.
TEST_P(JournalFaults, shim_when_it_dies_at_any_write_then_goes_on_from_there) {
  int killed = 0;
  // strace counts each kind of call by itself. A record is cut off to, written, and the end synced.
  for (const auto& [call, count] :
       {std::pair("ftruncate", 1), std::pair("pwrite64", 1), std::pair("ftruncate", 2),
        std::pair("pwrite64", 2), std::pair("fdatasync", 1), std::pair("ftruncate", 3),
        std::pair("pwrite64", 3)}) {
    SCOPED_TRACE(cat(call, " ", count));
    const std::string id = create(cat(call, count), create_body("sleep 0.1; exit 4"));
    const std::string journal = cat(engine().root(), "/workloads/", id, "/journal");
    const fixtures::Capture said;
    auto strace = process::Child::spawn(
        {.program = "/usr/bin/strace",
         .arguments = {"strace", "-f", "-o", "/dev/null", "-p", cat(engine().pid()), "-P", journal,
                       "-e", cat("trace=", call), "-e",
                       cat("inject=", call, ":signal=KILL:when=", count)},
         .standard_error = said.fd()});
    ASSERT_OK(strace);
    ASSERT_TRUE(eventually([&] { return said.text().find("attached") != std::string::npos; }));
    const Output started = post(cat("/containers/", id, "/start"));
    EXPECT_TRUE(eventually([&] { return text_at(inspect(id), "State.Running") == "false"; }));
    const std::string code = text_at(inspect(id), "State.ExitCode");
    if (started.code == 204) {
      EXPECT_TRUE(code == "4" || code == "137") << code;
    }
    if (code != "4") ++killed;
    EXPECT_OK(strace.value().signal(SIGTERM));
    EXPECT_TRUE(strace.value().wait_for(seconds(20)).take().has_value());
    ASSERT_TRUE(eventually([&] {
      // The one that died may hold the workload for a moment longer.
      return post(cat("/containers/", id, "/start")).code == 204;
    }));
    EXPECT_TRUE(ends(id));
    EXPECT_EQ(text_at(inspect(id), "State.ExitCode"), "4");
    EXPECT_EQ(engine().request("DELETE", cat("/v1.43/containers/", id)).code, 204);
  }
  EXPECT_GE(killed, 3) << "the injection met nothing";
}

INSTANTIATE_TEST_SUITE_P(Hulls, JournalFaults, ::testing::Values(fixtures::Hull::container),
                         fixtures::hull_name);

}  // namespace
}  // namespace proa
