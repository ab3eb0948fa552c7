// The hull's contract, driven directly and through a shim's sessions (RemoteHull). The hull beneath
// is one of plain processes: what is tested is the way there and back, not isolation, which the
// kernel tests of hull/light do.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <csignal>

#include "engine/shim/sessions.h"
#include "hull/remote/remote_hull.h"
#include "kernel/file/file.h"
#include "kernel/file/stream.h"
#include "kernel/file/temp_dir.h"
#include "kernel/process/child.h"
#include "kernel/socket/unix_stream.h"
#include "tests/fixtures/require.h"

namespace proa::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ProcessHull : public hull::Hull {
 public:
  ProcessHull(io::Loop& loop, wire::Spec spec, hull::Observer& observer)
      : loop_(loop), spec_(std::move(spec)), observer_(observer) {}
  ~ProcessHull() override {
    for (auto& [id, child] : children_) loop_.forget(child.pidfd());
  }

  hull::Capabilities capabilities() const override { return {}; }
  void create(hull::Done<> done) override { done({}); }
  void start(hull::Done<hull::Streams> done) override { done(run("", spec_.process)); }
  void exec(const std::string& id, const wire::Process& process,
            hull::Done<hull::Streams> done) override {
    done(run(id, process));
  }
  void signal(const std::string& id, int number, hull::Done<> done) override {
    const auto child = children_.find(id);
    if (child == children_.end()) return done(fail(ErrorKind::not_found, "no process ", id));
    done(child->second.signal(number));
  }
  void remove(hull::Done<> done) override { done({}); }
  void stats(hull::Done<wire::Stats> done) override {
    done(wire::Stats{.tasks = children_.size()});
  }
  void copy_out(const std::string& path, hull::Done<Fd> done) override {
    done(file::open(path, O_RDONLY));
  }
  void resize(const std::string&, wire::WindowSize, hull::Done<> done) override { no(done); }
  void pause(hull::Done<> done) override { done({}); }
  void resume(hull::Done<> done) override { done({}); }
  void processes(hull::Done<std::vector<wire::ProcessRow>> done) override { no(done); }
  void update(const std::string&, hull::Done<> done) override { no(done); }
  void join_network(const wire::Endpoint&, hull::Done<> done) override { no(done); }
  void leave_network(const std::string&, hull::Done<> done) override { no(done); }
  void stat_path(const std::string&, hull::Done<wire::PathStat> done) override { no(done); }
  void copy_in(const wire::Path&, Fd, hull::Done<> done) override { no(done); }
  void changes(hull::Done<std::vector<wire::Change>> done) override { no(done); }
  void export_tree(hull::Done<Fd> done) override { no(done); }

 private:
  template <typename DoneType>
  static void no(DoneType& done) {
    done(fail(ErrorKind::unsupported, "plain processes cannot do this"));
  }

  Result<hull::Streams> run(const std::string& id, const wire::Process& process) {
    auto input = TRY(socket::stream_pair(socket::Blocking::no));
    auto output = TRY(socket::stream_pair(socket::Blocking::yes));
    auto error = TRY(socket::stream_pair(socket::Blocking::yes));
    TRY(socket::set_blocking(input.second, socket::Blocking::yes));
    process::Spawn spawn{.program = process.arguments.front(), .arguments = process.arguments};
    spawn.standard_input = input.second;
    spawn.standard_output = output.second;
    spawn.standard_error = error.second;
    process::Child child = TRY(process::Child::spawn(spawn));
    TRY(loop_.watch(child.pidfd(), {.readable = true},
                    [this, id](io::Readiness) { ended(std::string(id)); }));
    children_.emplace(id, std::move(child));
    return hull::Streams{std::move(input.first), std::move(output.first), std::move(error.first)};
  }

  void ended(const std::string& id) {
    auto node = children_.extract(id);
    loop_.forget(node.mapped().pidfd());
    const process::End end = node.mapped().wait().take();
    wire::Ending ending;
    if (const auto* signalled = std::get_if<process::Signalled>(&end)) {
      ending = {.signalled = true, .code = signalled->signal};
    } else {
      ending.code = std::get<process::Exited>(end).code;
    }
    id.empty() ? observer_.on_end(ending) : observer_.on_exec_end(id, ending);
  }

  io::Loop& loop_;
  wire::Spec spec_;
  hull::Observer& observer_;
  std::map<std::string, process::Child> children_;
};

// A shim without its main function: all on the test's own loop.
class ShimTest : public ::testing::Test {
 protected:
  void begin(std::vector<std::string> arguments, wire::Spec spec = {}) {
    spec.process.arguments = std::move(arguments);
    loop_ = io::Loop::create().take();
    directory_ = file::TempDir::create("/tmp", "proa-shim-test-").take();
    files_ = file::open(directory_->path(), O_RDONLY | O_DIRECTORY).take();
    sessions_.emplace(*loop_);
    supervisor_.emplace(
        *loop_, spec, JournalWriter::open(files_).take(), LogWriter(files_, spec.log),
        Supervisor::Listener{[&](const wire::Record& record) { sessions_->tell_record(record); },
                             [&](const std::string& exec, const wire::Ending& ending) {
                               sessions_->tell_exec_end(exec, ending);
                             },
                             [] {}});
    hull_ = std::make_unique<ProcessHull>(*loop_, spec, supervisor_->observer());
    supervisor_->set_hull(*hull_);
    sessions_->set_supervisor(*supervisor_);
    auto pair = socket::stream_pair(socket::Blocking::no).take();
    ASSERT_OK(sessions_->add(std::move(pair.first)));
    hull::ShimLink::Notices notices;
    notices.on_record = [&](const wire::Record& record) { records_.push_back(record); };
    notices.on_exec_end = [&](const wire::ExecEnded& ended) { exec_ends_.push_back(ended); };
    link_ = hull::ShimLink::open(*loop_, std::move(pair.second), std::move(notices)).take();
    remote_ = std::make_unique<hull::RemoteHull>(*link_);
  }

  void TearDown() override {
    remote_.reset();
    link_.reset();
    sessions_.reset();
    supervisor_.reset();
    hull_.reset();
  }

  // Runs the loop until `condition` holds or a deadline has passed.
  bool run_until(std::function<bool()> condition, seconds limit = seconds(10)) {
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

  std::vector<wire::RecordKind> kinds() const {
    std::vector<wire::RecordKind> kinds;
    for (const wire::Record& record : records_) kinds.push_back(record.kind);
    return kinds;
  }

  // Reads a stream to its end while the loop runs.
  std::string drain(Fd& stream) {
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

  std::unique_ptr<io::Loop> loop_;
  std::optional<file::TempDir> directory_;
  Fd files_;
  std::optional<Sessions> sessions_;
  std::optional<Supervisor> supervisor_;
  std::unique_ptr<hull::Hull> hull_;
  std::unique_ptr<hull::ShimLink> link_;
  std::unique_ptr<hull::RemoteHull> remote_;
  std::vector<wire::Record> records_;
  std::vector<wire::ExecEnded> exec_ends_;
};

TEST_F(ShimTest, start_when_through_the_shim_then_streams_and_end_come_back) {
  begin({"/bin/sh", "-c", "cat; echo oops >&2; exit 7"});
  std::optional<hull::Streams> streams;
  remote_->start([&](Result<hull::Streams> started) { streams = started.take(); });
  ASSERT_TRUE(run_until([&] { return streams.has_value(); }));
  ASSERT_OK(file::write_some(streams->input, "hello\n"));
  socket::shut_down_sending(streams->input);
  EXPECT_EQ(drain(streams->output), "hello\n");
  EXPECT_EQ(drain(streams->error), "oops\n");
  ASSERT_TRUE(run_until([&] { return kinds().size() >= 3; }));
  using enum wire::RecordKind;
  EXPECT_EQ(kinds(), (std::vector{started, exited, finished}));
  EXPECT_EQ(records_[1].ending.code, 7);
  EXPECT_FALSE(records_[1].asked);
  EXPECT_EQ(read_journal(files_, 0).take().size(), 3U);
  const std::string log = file::read_file_at(files_, "log.json").take();
  EXPECT_NE(log.find(R"({"log":"hello\n","stream":"stdout","time":")"), std::string::npos);
  EXPECT_NE(log.find(R"({"log":"oops\n","stream":"stderr","time":")"), std::string::npos);
}

TEST_F(ShimTest, start_when_program_is_missing_then_says_not_found_and_nothing_runs) {
  begin({"/no/such/program"});
  std::optional<Error> error;
  remote_->start([&](Result<hull::Streams> started) { error = std::move(started).error(); });
  ASSERT_TRUE(run_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->kind(), ErrorKind::not_found);
  EXPECT_TRUE(supervisor_->idle());
}

TEST_F(ShimTest, stop_when_signal_is_ignored_then_kills_after_the_timeout) {
  begin({"/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.01; done"});
  std::optional<hull::Streams> streams;
  remote_->start([&](Result<hull::Streams> started) { streams = started.take(); });
  ASSERT_TRUE(run_until([&] { return streams.has_value(); }));
  std::array<std::byte, 16> buffer;
  ASSERT_TRUE(run_until([&] {
    const auto count = file::read_available(streams->output, buffer);
    return count.ok() && count.value() && *count.value() > 0;
  }));
  bool stopped = false;
  link_->ask(wire::MessageType::stop, wire::Stop{0, 50'000'000}, {},
             [&](const Result<void>& outcome) { stopped = outcome.ok(); });
  ASSERT_TRUE(run_until([&] { return stopped; }));
  EXPECT_TRUE(records_[1].asked);
  EXPECT_EQ(records_[1].ending.shell_code(), 137);
}

TEST_F(ShimTest, policy_when_on_failure_then_restarts_up_to_the_limit_and_then_finishes) {
  wire::Spec spec;
  spec.restart = {wire::RestartMode::on_failure, 2};
  begin({"/bin/sh", "-c", "exit 3"}, spec);
  remote_->start([](const Result<hull::Streams>&) {});
  ASSERT_TRUE(run_until(
      [&] { return !records_.empty() && records_.back().kind == wire::RecordKind::finished; }));
  using enum wire::RecordKind;
  EXPECT_EQ(kinds(), (std::vector{started, exited, restarting, started, exited, restarting, started,
                                  exited, finished}));
  EXPECT_EQ(records_[2].delay, 100'000'000);
  EXPECT_EQ(records_[5].delay, 200'000'000);
}

TEST_F(ShimTest, client_when_it_reads_slowly_then_holds_the_process_up_behind_a_bounded_buffer) {
  begin({"/bin/sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' 'x'; exit 5"});
  auto slow = socket::stream_pair(socket::Blocking::no).take();
  std::vector<Fd> connection;
  connection.push_back(std::move(slow.second));
  link_->ask(wire::MessageType::attach, wire::Attachment{.output = true}, std::move(connection),
             [](const Result<void>&) {});
  remote_->start([](const Result<hull::Streams>&) {});
  EXPECT_FALSE(run_until([&] { return kinds().size() > 1; }, seconds(1)));
  EXPECT_EQ(drain(slow.first).size(), 20'000'000U);
}

TEST_F(ShimTest, client_when_it_has_gone_then_never_holds_the_process_up) {
  begin({"/bin/sh", "-c", "head -c 5000000 /dev/zero; exit 5"}, {.log = {wire::LogDriver::none}});
  auto gone = socket::stream_pair(socket::Blocking::no).take();
  std::vector<Fd> connection;
  connection.push_back(std::move(gone.second));
  bool attached = false;
  link_->ask(wire::MessageType::attach, wire::Attachment{.output = true}, std::move(connection),
             [&](const Result<void>&) { attached = true; });
  ASSERT_TRUE(run_until([&] { return attached; }));
  gone.first.reset();
  link_->ask(wire::MessageType::start, wire::Empty{}, {}, [](const Result<void>&) {});
  ASSERT_TRUE(run_until([&] { return kinds().size() >= 3; }));
  EXPECT_EQ(records_[1].ending.code, 5);
}

TEST_F(ShimTest, client_when_framed_then_gets_docker_s_heads_and_the_end_s_report) {
  begin({"/bin/sh", "-c", "echo out; exit 4"});
  auto client = socket::stream_pair(socket::Blocking::no).take();
  std::vector<Fd> connection;
  connection.push_back(std::move(client.second));
  link_->ask(wire::MessageType::attach,
             wire::Attachment{.output = true, .framed = true, .report_end = true},
             std::move(connection), [](const Result<void>&) {});
  link_->ask(wire::MessageType::start, wire::Empty{}, {}, [](const Result<void>&) {});
  const std::string report = R"({"ExitCode":4,"Error":""})";
  EXPECT_EQ(drain(client.first), std::string("\1\0\0\0\0\0\0\4out\n\x10\0\0\0\0\0\0", 19) +
                                     static_cast<char>(report.size()) + report);
}

TEST_F(ShimTest, client_when_it_sends_the_detach_keys_then_only_it_goes) {
  begin({"/bin/cat"});
  auto client = socket::stream_pair(socket::Blocking::no).take();
  std::vector<Fd> connection;
  connection.push_back(std::move(client.second));
  link_->ask(wire::MessageType::attach,
             wire::Attachment{.input = true, .output = true, .detach_keys = "\x10\x11"},
             std::move(connection), [](const Result<void>&) {});
  link_->ask(wire::MessageType::start, wire::Empty{}, {}, [](const Result<void>&) {});
  ASSERT_OK(file::write_some(client.first, "a\x10z\n"));
  std::string echoed;
  ASSERT_TRUE(run_until([&] {
    std::array<std::byte, 16> buffer;
    const auto got = file::read_available(client.first, buffer);
    if (got.ok() && got.value()) echoed += text_of(ByteSpan(buffer).first(*got.value()));
    return echoed.size() >= 4;
  }));
  EXPECT_EQ(echoed, "a\x10z\n");
  // Who has typed the keys is let go at once.
  ASSERT_OK(file::write_some(client.first, "\x10\x11"));
  EXPECT_EQ(drain(client.first), "");
  EXPECT_TRUE(supervisor_->snapshot().running);
  bool stopped = false;
  link_->ask(wire::MessageType::stop, wire::Stop{SIGKILL, 0}, {},
             [&](const Result<void>&) { stopped = true; });
  ASSERT_TRUE(run_until([&] { return stopped; }));
}

TEST_F(ShimTest, exec_when_workload_runs_then_has_streams_and_an_end_of_its_own) {
  begin({"/bin/sleep", "60"});
  link_->ask(wire::MessageType::start, wire::Empty{}, {}, [](const Result<void>&) {});
  std::optional<hull::Streams> streams;
  wire::Process process;
  process.arguments = {"/bin/sh", "-c", "echo in exec; exit 9"};
  remote_->exec("e1", process, [&](Result<hull::Streams> started) { streams = started.take(); });
  ASSERT_TRUE(run_until([&] { return streams.has_value(); }));
  EXPECT_EQ(drain(streams->output), "in exec\n");
  ASSERT_TRUE(run_until([&] { return !exec_ends_.empty(); }));
  EXPECT_EQ(exec_ends_[0].ending.code, 9);
  EXPECT_TRUE(supervisor_->snapshot().running);
}

TEST_F(ShimTest, probe_when_it_fails_often_enough_then_health_is_told_as_unhealthy) {
  wire::Spec spec;
  spec.health = wire::HealthCheck{
      .command = {"CMD-SHELL", "echo sick; exit 1"}, .interval = 5'000'000, .retries = 2};
  begin({"/bin/sleep", "60"}, spec);
  link_->ask(wire::MessageType::start, wire::Empty{}, {}, [](const Result<void>&) {});
  ASSERT_TRUE(run_until(
      [&] { return !records_.empty() && records_.back().health == wire::Health::unhealthy; }));
  EXPECT_EQ(records_.back().failing_streak, 2U);
  EXPECT_EQ(records_.back().output, "sick\n");
}

TEST_F(ShimTest, call_when_type_is_unknown_then_is_refused_by_name_and_the_session_goes_on) {
  begin({"/bin/true"});
  std::optional<Error> error;
  link_->ask(static_cast<wire::MessageType>(0x3333), wire::Empty{}, {},
             [&](Result<void> outcome) { error = std::move(outcome).error(); });
  ASSERT_TRUE(run_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->kind(), ErrorKind::unsupported);
  std::optional<wire::Stats> stats;
  remote_->stats([&](Result<wire::Stats> answer) { stats = answer.take(); });
  EXPECT_TRUE(run_until([&] { return stats.has_value(); }));
}

}  // namespace
}  // namespace proa::engine
