#include "hull/light/files_child.h"

#include <linux/capability.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/file/stream.h"
#include "kernel/process/clone.h"
#include "kernel/process/confine.h"
#include "kernel/process/credentials.h"
#include "kernel/socket/unix_stream.h"
#include "wire/codec.h"
#include "wire/messages.h"

namespace proa::hull {
namespace {

constexpr std::size_t kPipe = 64 << 10;
constexpr std::size_t kMaxReport = std::size_t{256} << 20;
constexpr char kSuccess = 's';
constexpr char kFailure = 'f';

}  // namespace

void FilesChild::Report::send(char kind, std::string_view body) {
  if (!pipe_.valid()) return;
  discard(file::write_all(pipe_, bytes_of(cat(kind, body))), "nobody is left to tell");
  pipe_.reset();
}

void FilesChild::Report::success(std::string_view body) { send(kSuccess, body); }

void FilesChild::Report::failure(const Error& error) {
  send(kFailure, wire::encode(wire::to_message(error)));
}

Result<std::unique_ptr<FilesChild>> FilesChild::start(io::Loop& loop, const Work& work,
                                                      Done<std::string>& done, io::Task gone) {
  file::Pipe pipe = TRY(file::make_pipe(kPipe));
  process::Cloned cloned = TRY(process::clone({}));
  if (cloned.pid == 0) {
    pipe.read.reset();
    // The reader of a stream may go at any time: that is a failed write, and the end.
    ::signal(SIGPIPE, SIG_IGN);
    Report report(std::move(pipe.write));
    const Result<void> tied = process::die_with_parent();
    if (tied.ok()) {
      work(report);
    } else {
      report.failure(tied.error());
    }
    ::_exit(0);
  }
  process::Child child(cloned.pid, std::move(cloned.pidfd));
  TRY(socket::set_blocking(pipe.read, socket::Blocking::no));
  std::unique_ptr<FilesChild> started(
      new FilesChild(loop, std::move(child), std::move(pipe.read), std::move(gone)));
  FilesChild* object = started.get();
  TRY(loop.watch(object->pipe_, {.readable = true},
                 [object](io::Readiness) { object->on_report(); }));
  TRY(loop.watch(object->child_.pidfd(), {.readable = true},
                 [object](io::Readiness) { object->on_end(); }));
  object->done_ = std::move(done);
  return started;
}

FilesChild::FilesChild(io::Loop& loop, process::Child child, Fd pipe, io::Task gone)
    : loop_(loop), child_(std::move(child)), pipe_(std::move(pipe)), gone_(std::move(gone)) {}

FilesChild::~FilesChild() {
  if (pipe_.valid()) loop_.forget(pipe_);
  loop_.forget(child_.pidfd());
  if (done_) {
    // Whoever asks again finds the files elsewhere.
    std::exchange(done_, {})(fail(ErrorKind::unavailable, "the work on the files was cut short"));
  }
}

void FilesChild::on_report() {
  std::array<std::byte, 65536> buffer;
  while (true) {
    const auto count = file::read_available(pipe_, buffer);
    if (count.ok() && !count.value()) return;
    if (!count.ok() || *count.value() == 0 || received_.size() > kMaxReport) break;
    received_ += text_of(ByteSpan(buffer).first(*count.value()));
  }
  loop_.forget(pipe_);
  pipe_.reset();
  if (!done_) return;
  Done<std::string> done = std::exchange(done_, {});
  const std::string report = std::exchange(received_, {});
  done(take_apart(report));
}

Result<std::string> FilesChild::take_apart(const std::string& report) {
  if (report.starts_with(kSuccess)) return report.substr(1);
  if (report.empty()) {
    return fail(ErrorKind::internal, "the work on the files ended without a word");
  }
  return wire::to_error(TRY(wire::decode<wire::Failed>(std::string_view(report).substr(1))));
}

Result<std::string> FilesChild::read_report(FdRef pipe) {
  const std::string report = TRY(file::read_all(pipe, kMaxReport));
  return take_apart(report);
}

void FilesChild::on_end() {
  // What it reported last may still be in the pipe.
  if (pipe_.valid()) on_report();
  loop_.forget(child_.pidfd());
  discard(child_.wait(), "what matters it has reported");
  io::Task gone = std::exchange(gone_, {});
  if (gone) gone();
}

Result<void> keep_file_rights(OverlayMarks marks) {
  std::uint64_t kept = marks == OverlayMarks::readable ? std::uint64_t{1} << CAP_SYS_ADMIN : 0;
  for (const int number : {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID,
                           CAP_MKNOD, CAP_SETFCAP, CAP_SYS_CHROOT}) {
    kept |= std::uint64_t{1} << number;
  }
  const process::CapabilitySets have = TRY(process::capabilities());
  return process::set_capabilities({have.effective & kept, have.permitted & kept, 0});
}

}  // namespace proa::hull
