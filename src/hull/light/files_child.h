// Work on a workload's files, done by a child of its own that can reach nothing else: its root is
// the workload's, its user namespace too, and of capabilities it keeps those over files. What it
// reads and writes is foreign; what it says comes back over a pipe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "hull/hull.h"
#include "io/loop.h"
#include "kernel/process/child.h"

namespace proa::hull {

// Thread: the loop's. Owner: the hull; destroying it kills the child, and `done` fails.
class FilesChild {
 public:
  // Runs in the child. What is reported goes to `done` at once, once; the child may work on.
  class Report {
   public:
    explicit Report(Fd pipe) : pipe_(std::move(pipe)) {}
    void success(std::string_view body);
    void failure(const Error& error);
    FdRef pipe() const { return pipe_; }

   private:
    void send(char kind, std::string_view body);
    Fd pipe_;  // closed by the report
  };
  using Work = std::function<void(Report& report)>;

  // Starts `work`. `done` is taken unless this fails, and gets what is reported; `gone` is called
  // when the child has ended, and may destroy the object.
  static Result<std::unique_ptr<FilesChild>> start(io::Loop& loop, const Work& work,
                                                   Done<std::string>& done, io::Task gone);
  FilesChild(const FilesChild&) = delete;
  FilesChild& operator=(const FilesChild&) = delete;
  ~FilesChild();

  // Reads a report to its end, waiting for it.
  static Result<std::string> read_report(FdRef pipe);

 private:
  FilesChild(io::Loop& loop, process::Child child, Fd pipe, io::Task gone);
  static Result<std::string> take_apart(const std::string& report);
  void on_report();
  void on_end();

  io::Loop& loop_;
  process::Child child_;
  Fd pipe_;
  std::string received_;
  Done<std::string> done_;  // empty once called
  io::Task gone_;
};

// Gives up all capabilities but those over files, for the calling process. Overlay's marks
// (trusted.overlay.*) are read only by who may administer.
enum class OverlayMarks : bool { hidden, readable };
Result<void> keep_file_rights(OverlayMarks marks = OverlayMarks::hidden);

}  // namespace proa::hull
