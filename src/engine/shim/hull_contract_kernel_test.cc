// What hull.h promises, held by each way to a hull: the hull itself in this process, and the same
// one behind a shim's sessions, where the engine's remote hull reaches it. A further kind of hull
// is one more value of Way and one more case in make_hull().
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "base/id.h"
#include "engine/shim/sessions.h"
#include "engine/shim/supervisor.h"
#include "hull/light/light_hull.h"
#include "hull/remote/remote_hull.h"
#include "image/mount/layer_mounts.h"
#include "kernel/file/file.h"
#include "kernel/file/stream.h"
#include "kernel/file/temp_dir.h"
#include "kernel/socket/unix_stream.h"
#include "tests/fixtures/layer.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "tests/fixtures/tar_builder.h"

namespace proa::engine {
namespace {

using fixtures::TarBuilder;
using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Way : std::uint8_t { light, remote };

constexpr std::uint32_t kFirstId = 1'900'000'000;

// An image of one layer: busybox, its shell, and a user.
std::string image_tar() {
  const std::string busybox = file::read_file("/bin/busybox").take();
  TarBuilder tar;
  for (const char* directory : {"bin", "etc", "proc", "sys", "dev", "tmp", "home"}) {
    tar.add({.name = directory, .type = '5', .mode = 0755});
  }
  tar.add({.name = "bin/busybox", .content = busybox, .mode = 0755});
  for (const char* name : {"sh", "cat", "id", "sleep", "stty", "tail", "rm", "mkdir", "ls"}) {
    tar.add({.name = std::string("bin/") + name, .type = '2', .link = "busybox"});
  }
  tar.add({.name = "bin/text", .content = "no program\n", .mode = 0644});
  tar.add({.name = "etc/passwd", .content = "root:x:0:0::/:/bin/sh\nann:x:7:8::/home:/bin/sh\n"});
  tar.add({.name = "etc/group", .content = "root:x:0:\nstaff:x:8:\nwheel:x:9:ann\n"});
  tar.add({.name = "etc/old", .content = "old\n"});
  return tar.finish();
}

const char* kConfiguration = R"({"ociVersion": "1.0.2",
  "process": {"user": {"uid": 0, "gid": 0}, "args": ["x"], "cwd": "/",
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_KILL"],
      "effective": ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_KILL"],
      "permitted": ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_KILL"]}},
  "hostname": "boat",
  "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]}],
  "linux": {"namespaces": [{"type": "mount"}, {"type": "network"}, {"type": "pid"},
      {"type": "ipc"}, {"type": "uts"}, {"type": "cgroup"}, {"type": "user"}],
    "uidMappings": [{"containerID": 0, "hostID": 1900000000, "size": 65536}],
    "gidMappings": [{"containerID": 0, "hostID": 1900000000, "size": 65536}],
    "resources": {"memory": {"limit": 67108864}}}})";

class Contract : public fixtures::LeakCheckedTest,
                 public ::testing::WithParamInterface<Way>,
                 private hull::Observer {
 protected:
  void SetUp() override {
    fixtures::LeakCheckedTest::SetUp();
    REQUIRE(root);
    directory_.emplace(file::TempDir::create("/tmp", "proa-contract.").take());
    ::chmod(directory_->path().c_str(), 0711);
    const auto layer = fixtures::convert(image_tar());
    ASSERT_OK(layer);
    layer_ = cat(directory_->path(), "/", layer.value().info.diff_id.hex(), ".erofs");
    const Fd out = file::open(layer_, O_WRONLY | O_CREAT, 0600).take();
    ASSERT_OK(file::write_all(out, bytes_of(fixtures::bytes_in(layer.value().image))));
    loop_ = io::Loop::create().take();
  }

  void TearDown() override {
    if (hull_) EXPECT_OK(ask<void>([&](auto done) { hull_->remove(std::move(done)); }));
    hull_.reset();
    link_.reset();
    sessions_.reset();
    supervisor_.reset();
    local_.reset();
    loop_.reset();
    unpin();
    directory_.reset();
    fixtures::LeakCheckedTest::TearDown();
  }

  void unpin() {
    if (!directory_ || !file::exists(directory_->path() + "/mnt")) return;
    auto mounts = image::LayerMounts::open(directory_->path());
    if (mounts.ok()) EXPECT_OK(mounts.value().unpin());
  }

  wire::Spec spec_of(std::vector<std::string> arguments) {
    wire::Spec spec;
    spec.id = random_hex(64);
    spec.name = "boat";
    spec.oci = kConfiguration;
    spec.process.arguments = std::move(arguments);
    spec.process.environment = {"PATH=/bin"};
    spec.layers = {layer_};
    spec.directory = cat(directory_->path(), "/", spec.id.substr(0, 8));
    spec.mounts = directory_->path() + "/mnt";
    spec.cgroup = cat("/proa-contract-", spec.id);
    spec.ids = wire::IdRange{kFirstId, 65536};
    return spec;
  }

  void begin(wire::Spec spec) {
    ASSERT_OK(file::make_directory(FdRef::cwd(), spec.directory, 0711));
    if (GetParam() == Way::light) {
      hull_ = hull::make_light_hull(*loop_, spec, *this).take();
      std::optional<Result<void>> created;
      hull_->create([&](Result<void> outcome) { created = std::move(outcome); });
      ASSERT_TRUE(created && created->ok()) << created->error().message();
      return;
    }
    begin_remote(std::move(spec));
  }

  void begin_remote(wire::Spec spec) {
    const Fd files = file::open(spec.directory, O_RDONLY | O_DIRECTORY).take();
    sessions_.emplace(*loop_);
    supervisor_.emplace(
        *loop_, spec, JournalWriter::open(files).take(), LogWriter(files, spec.log),
        Supervisor::Listener{[&](const wire::Record& record) { sessions_->tell_record(record); },
                             [&](const std::string& exec, const wire::Ending& ending) {
                               sessions_->tell_exec_end(exec, ending);
                             },
                             [] {}});
    local_ = hull::make_light_hull(*loop_, spec, supervisor_->observer()).take();
    supervisor_->set_hull(*local_);
    sessions_->set_supervisor(*supervisor_);
    auto pair = socket::stream_pair(socket::Blocking::no).take();
    ASSERT_OK(sessions_->add(std::move(pair.first)));
    hull::ShimLink::Notices notices;
    notices.on_record = [&](const wire::Record& record) {
      if (record.kind == wire::RecordKind::exited) ending_ = record.ending;
      if (record.kind == wire::RecordKind::out_of_memory) out_of_memory_ = true;
    };
    notices.on_exec_end = [&](const wire::ExecEnded& ended) {
      exec_endings_[ended.id] = ended.ending;
    };
    link_ = hull::ShimLink::open(*loop_, std::move(pair.second), std::move(notices)).take();
    hull_ = std::make_unique<hull::RemoteHull>(*link_);
  }

  void on_ready() override {}
  void on_end(const wire::Ending& ending) override { ending_ = ending; }
  void on_exec_end(const std::string& exec, const wire::Ending& ending) override {
    exec_endings_[exec] = ending;
  }
  void on_out_of_memory() override { out_of_memory_ = true; }

  bool run_until(const std::function<bool()>& condition, seconds limit = seconds(20)) {
    const auto deadline = io::Clock::now() + limit;
    bool met = condition();
    std::function<void()> look = [&] {
      met = condition();
      if (met || io::Clock::now() > deadline) return loop_->stop();
      loop_->after(milliseconds(1), [&] { look(); });
    };
    if (met) return true;
    loop_->after(milliseconds(1), [&] { look(); });
    EXPECT_OK(loop_->run());
    return met;
  }

  // Asks and waits for the answer.
  template <typename T>
  Result<T> ask(const std::function<void(hull::Done<T>)>& call) {
    std::optional<Result<T>> answer;
    call([&](Result<T> outcome) { answer.emplace(std::move(outcome)); });
    if (!run_until([&] { return answer.has_value(); })) {
      return fail(ErrorKind::timeout, "no answer");
    }
    return std::move(*answer);
  }

  Result<hull::Streams> start() {
    return ask<hull::Streams>([&](auto done) { hull_->start(std::move(done)); });
  }
  Result<hull::Streams> exec(const std::string& id, const wire::Process& process) {
    return ask<hull::Streams>([&](auto done) { hull_->exec(id, process, std::move(done)); });
  }
  Result<void> signal(int number) {
    return ask<void>([&](auto done) { hull_->signal("", number, std::move(done)); });
  }
  Result<std::string> copy_out(const std::string& path) {
    Fd stream = TRY(ask<Fd>([&](auto done) { hull_->copy_out(path, std::move(done)); }));
    return drain(stream);
  }
  Result<void> copy_in(const wire::Path& directory, const std::string& tar) {
    auto pair = socket::stream_pair(socket::Blocking::yes).take();
    const pid_t writer = ::fork();
    if (writer == 0) {
      ::_exit(file::write_all(pair.first, bytes_of(tar)).ok() ? 0 : 1);
    }
    pair.first.reset();
    Result<void> outcome = ask<void>(
        [&](auto done) { hull_->copy_in(directory, std::move(pair.second), std::move(done)); });
    ::waitpid(writer, nullptr, 0);
    return outcome;
  }

  wire::Process program(std::vector<std::string> arguments) {
    wire::Process process;
    process.arguments = std::move(arguments);
    process.environment = {"PATH=/bin"};
    return process;
  }

  std::string drain(const Fd& stream) {
    EXPECT_OK(socket::set_blocking(stream, socket::Blocking::no));
    std::string text;
    run_until([&] {
      std::array<std::byte, 65536> buffer;
      const auto count = file::read_available(stream, buffer);
      if (!count.ok()) return true;
      if (count.value()) text += text_of(ByteSpan(buffer).first(*count.value()));
      return count.value() && *count.value() == 0;
    });
    return text;
  }

  std::string output_of(Result<hull::Streams> streams) {
    if (!streams.ok()) return streams.error().message();
    return drain(streams.value().output);
  }

  std::optional<file::TempDir> directory_;
  std::string layer_;
  std::unique_ptr<io::Loop> loop_;
  std::optional<Sessions> sessions_;
  std::optional<Supervisor> supervisor_;
  std::unique_ptr<hull::Hull> local_;
  std::unique_ptr<hull::ShimLink> link_;
  std::unique_ptr<hull::Hull> hull_;
  std::optional<wire::Ending> ending_;
  std::map<std::string, wire::Ending> exec_endings_;
  bool out_of_memory_ = false;
};

INSTANTIATE_TEST_SUITE_P(Hulls, Contract, ::testing::Values(Way::light, Way::remote),
                         [](const auto& way) {
                           return way.param == Way::light ? "light" : "remote";
                         });

TEST_P(Contract, start_then_streams_are_the_program_s_and_the_end_is_told) {
  auto spec = spec_of({"sh", "-c", "cat; echo oops >&2; exit 7"});
  spec.process.open_input = true;
  begin(spec);
  auto streams = start();
  ASSERT_OK(streams);
  ASSERT_OK(file::write_some(streams.value().input, "hello\n"));
  socket::shut_down_sending(streams.value().input);
  streams.value().input.reset();
  EXPECT_EQ(drain(streams.value().output), "hello\n");
  EXPECT_EQ(drain(streams.value().error), "oops\n");
  ASSERT_TRUE(run_until([&] { return ending_.has_value(); }));
  EXPECT_EQ(ending_->code, 7);
  EXPECT_FALSE(ending_->signalled);
}

TEST_P(Contract, start_when_no_input_is_wanted_then_it_is_empty_from_the_start) {
  begin(spec_of({"cat"}));
  EXPECT_EQ(output_of(start()), "");
  ASSERT_TRUE(run_until([&] { return ending_.has_value(); }));
  EXPECT_EQ(ending_->code, 0);
}

TEST_P(Contract, start_then_the_program_has_ids_and_a_name_of_its_own) {
  auto spec = spec_of({"sh", "-c", "id; cat /proc/self/uid_map; cat /proc/sys/kernel/hostname"});
  spec.process.user = "ann";
  begin(spec);
  const std::string text = output_of(start());
  EXPECT_NE(text.find("uid=7(ann) gid=8(staff) groups=8(staff),9(wheel)"), std::string::npos)
      << text;
  EXPECT_NE(text.find("1900000000"), std::string::npos) << text;
  EXPECT_NE(text.find("boat"), std::string::npos) << text;
}

TEST_P(Contract, start_when_the_program_is_missing_or_none_then_kinds_tell_which) {
  begin(spec_of({"/no/such"}));
  const auto missing = start();
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found) << missing.error().message();
}

TEST_P(Contract, start_when_the_program_may_not_be_executed_then_is_permission) {
  begin(spec_of({"/bin/text"}));
  const auto refused = start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::permission) << refused.error().message();
}

TEST_P(Contract, start_when_the_user_is_unknown_then_is_no_fault_of_the_program) {
  auto spec = spec_of({"cat"});
  spec.process.user = "nobody-knows";
  begin(spec);
  const auto refused = start();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("no matching entries in passwd file"),
            std::string::npos);
  EXPECT_NE(refused.error().kind(), ErrorKind::not_found);
  EXPECT_NE(refused.error().kind(), ErrorKind::permission);
}

TEST_P(Contract, terminal_then_one_stream_shows_all_and_has_a_size) {
  auto spec = spec_of({"sh", "-c", "stty size; read line; echo got $line; stty size"});
  spec.process.terminal = true;
  spec.process.open_input = true;
  spec.process.size = {.columns = 91, .rows = 33};
  begin(spec);
  auto streams = start();
  ASSERT_OK(streams);
  ASSERT_OK(ask<void>(
      [&](auto done) { hull_->resize("", {.columns = 40, .rows = 20}, std::move(done)); }));
  ASSERT_OK(file::write_some(streams.value().input, "word\n"));
  const std::string shown = drain(streams.value().output);
  EXPECT_NE(shown.find("got word"), std::string::npos) << shown;
  EXPECT_NE(shown.find("20 40"), std::string::npos) << shown;
}

TEST_P(Contract, exec_then_runs_beside_the_first_process_with_an_end_of_its_own) {
  begin(spec_of({"sleep", "60"}));
  ASSERT_OK(start());
  auto process = program({"sh", "-c", "id -u; exit 9"});
  process.user = "ann";
  EXPECT_EQ(output_of(exec("e1", process)), "7\n");
  ASSERT_TRUE(run_until([&] { return exec_endings_.contains("e1"); }));
  EXPECT_EQ(exec_endings_["e1"].code, 9);
  EXPECT_FALSE(ending_.has_value());
  const auto missing = exec("e2", program({"/no/such"}));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found) << missing.error().message();
}

TEST_P(Contract, signal_then_ends_with_it_and_execs_with_the_workload) {
  begin(spec_of({"sleep", "60"}));
  ASSERT_OK(start());
  ASSERT_OK(exec("e1", program({"sleep", "60"})));
  ASSERT_OK(signal(SIGKILL));
  ASSERT_TRUE(run_until([&] { return ending_.has_value() && exec_endings_.contains("e1"); }));
  EXPECT_TRUE(ending_->signalled);
  EXPECT_EQ(ending_->code, SIGKILL);
  EXPECT_EQ(exec_endings_["e1"].code, SIGKILL);
}

TEST_P(Contract, pause_then_stands_still_until_resumed) {
  begin(spec_of({"sh", "-c", "while :; do echo tick; sleep 0.01; done"}));
  auto streams = start();
  ASSERT_OK(streams);
  ASSERT_OK(ask<void>([&](auto done) { hull_->pause(std::move(done)); }));
  std::array<std::byte, 65536> buffer;
  const auto some_came = [&] {
    const auto count = file::read_available(streams.value().output, buffer);
    return count.ok() && count.value() && *count.value() > 0;
  };
  // What was on its way when it was stopped.
  run_until([&] { return !some_came(); });
  EXPECT_FALSE(run_until(some_came, seconds(1)));
  ASSERT_OK(ask<void>([&](auto done) { hull_->resume(std::move(done)); }));
  EXPECT_TRUE(run_until(some_came));
}

TEST_P(Contract, processes_and_stats_then_show_what_runs) {
  begin(spec_of({"sleep", "61"}));
  ASSERT_OK(start());
  const auto rows =
      ask<std::vector<wire::ProcessRow>>([&](auto done) { hull_->processes(std::move(done)); });
  ASSERT_OK(rows);
  ASSERT_EQ(rows.value().size(), 1U);
  EXPECT_EQ(rows.value()[0].command, "sleep 61");
  EXPECT_EQ(rows.value()[0].user, "root");
  const auto stats = ask<wire::Stats>([&](auto done) { hull_->stats(std::move(done)); });
  ASSERT_OK(stats);
  EXPECT_GT(stats.value().memory, 0U);
  EXPECT_EQ(stats.value().memory_limit, 67108864U);
  ASSERT_OK(ask<void>(
      [&](auto done) { hull_->update(R"({"memory":{"limit":33554432}})", std::move(done)); }));
  const auto after = ask<wire::Stats>([&](auto done) { hull_->stats(std::move(done)); });
  ASSERT_OK(after);
  EXPECT_EQ(after.value().memory_limit, 33554432U);
}

TEST_P(Contract, memory_when_it_runs_out_then_is_told) {
  auto spec = spec_of({"sh", "-c", "tail /dev/zero"});
  begin(spec);
  ASSERT_OK(start());
  ASSERT_TRUE(run_until([&] { return ending_.has_value(); }));
  EXPECT_TRUE(ending_->out_of_memory || out_of_memory_);
  EXPECT_EQ(ending_->shell_code(), 137);
}

TEST_P(Contract, files_when_it_does_not_run_then_go_in_and_out) {
  begin(spec_of({"cat", "/tmp/new"}));
  TarBuilder tar;
  tar.add({.name = "new", .content = "written\n", .mode = 0604, .uid = 7, .gid = 8});
  ASSERT_OK(copy_in({"/tmp", false}, tar.finish()));
  const auto stat =
      ask<wire::PathStat>([&](auto done) { hull_->stat_path("/tmp/new", std::move(done)); });
  ASSERT_OK(stat);
  EXPECT_EQ(stat.value().name, "new");
  EXPECT_EQ(stat.value().size, 8U);
  EXPECT_EQ(stat.value().mode & 07777, 0604U);
  const auto out = copy_out("/tmp/new");
  ASSERT_OK(out);
  EXPECT_NE(out.value().find("written\n"), std::string::npos);
  // The ids on disk are the workload's own, whatever the range.
  EXPECT_EQ(out.value().substr(108, 7), "0000007");
  EXPECT_EQ(output_of(start()), "written\n");
}

TEST_P(Contract, files_when_it_runs_then_are_those_that_it_sees) {
  begin(spec_of({"sh", "-c", "echo made >/tmp/made; mkdir /tmp/d; rm /etc/old; echo; sleep 60"}));
  auto streams = start();
  ASSERT_OK(streams);
  std::array<std::byte, 8> buffer;
  ASSERT_TRUE(run_until([&] {
    const auto count = file::read_available(streams.value().output, buffer);
    return count.ok() && count.value() && *count.value() > 0;
  }));
  const auto made = copy_out("/tmp/made");
  ASSERT_OK(made);
  EXPECT_NE(made.value().find("made\n"), std::string::npos);
  const auto missing = copy_out("/etc/old");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found);
  const auto changes =
      ask<std::vector<wire::Change>>([&](auto done) { hull_->changes(std::move(done)); });
  ASSERT_OK(changes);
  using enum wire::ChangeKind;
  EXPECT_EQ(changes.value(), (std::vector<wire::Change>{{modified, "/etc"},
                                                        {deleted, "/etc/old"},
                                                        {modified, "/tmp"},
                                                        {added, "/tmp/d"},
                                                        {added, "/tmp/made"}}));
  const auto tree = ask<Fd>([&](auto done) { hull_->export_tree(std::move(done)); });
  ASSERT_OK(tree);
  const std::string tar = drain(tree.value());
  EXPECT_NE(tar.find("bin/busybox"), std::string::npos);
  EXPECT_EQ(tar.find("proc/1/"), std::string::npos);
}

TEST_P(Contract, copy_in_when_the_archive_is_hostile_then_stays_inside) {
  begin(spec_of({"cat"}));
  const std::string outside = directory_->path() + "/outside";
  TarBuilder up;
  up.add({.name = "../../../../../../../../.." + outside, .content = "x"});
  EXPECT_EQ(copy_in({"/tmp", false}, up.finish()).error().kind(), ErrorKind::invalid_argument);
  TarBuilder link;
  link.add({.name = "out", .type = '2', .link = directory_->path()});
  link.add({.name = "out/outside", .content = "x"});
  // The link leads to a place inside that is not there.
  EXPECT_FALSE(copy_in({"/tmp", false}, link.finish()).ok());
  EXPECT_FALSE(file::exists(outside));
  TarBuilder device;
  device.add({.name = "disk", .type = '4', .major = 8, .minor = 0});
  EXPECT_FALSE(copy_in({"/tmp", false}, device.finish()).ok());
  EXPECT_EQ(copy_in({"/etc/passwd", false}, TarBuilder().finish()).error().kind(),
            ErrorKind::invalid_argument);
}

TEST_P(Contract, start_again_then_finds_what_it_wrote) {
  // A shim ends with its workload; what starts again there is a new one (tests/system).
  if (GetParam() == Way::remote) return;
  begin(spec_of({"sh", "-c", "cat /tmp/n; echo again >>/tmp/n"}));
  ASSERT_OK(start());
  ASSERT_TRUE(run_until([&] { return ending_.has_value(); }));
  ending_.reset();
  EXPECT_EQ(output_of(start()), "again\n");
  ASSERT_TRUE(run_until([&] { return ending_.has_value(); }));
}

TEST_P(Contract, remove_when_it_runs_then_nothing_is_left) {
  begin(spec_of({"sh", "-c", "sleep 60 & sleep 60"}));
  ASSERT_OK(start());
  ASSERT_OK(exec("e1", program({"sleep", "60"})));
}

}  // namespace
}  // namespace proa::engine
