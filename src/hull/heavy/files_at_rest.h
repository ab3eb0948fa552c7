// The files of a machine that is off, without its guest: what its writable disk holds is made a
// layer by the jailed worker, and lies above the image's layers for whoever only looks. What a
// guest wrote is never mounted.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "hull/heavy/guest_spec.h"
#include "hull/hull.h"
#include "image/worker/worker.h"
#include "io/loop.h"
#include "wire/values.h"

namespace proa::hull {

// Thread: the loop's. Owner: the machine's hull, which drops it before the disk is written to.
class FilesAtRest {
 public:
  // Has a worker read the disk.
  static Result<std::unique_ptr<FilesAtRest>> start(io::Loop& loop, const wire::Spec& spec,
                                                    const MachineSize& size);
  FilesAtRest(const FilesAtRest&) = delete;
  FilesAtRest& operator=(const FilesAtRest&) = delete;
  ~FilesAtRest();

  // Gives a hull whose files can be looked at, once the disk was read, or why there is none: the
  // disk was left in the middle of its work, is damaged, or too large.
  void when_read(Done<Hull*> done);
  // Those that still wait, for who drops this.
  std::vector<Done<Hull*>> take_waiting() { return std::exchange(waiting_, {}); }
  // Lets those who read at the moment come to their end, within a limit.
  void finish(Done<> done);

 private:
  // Nothing of it runs.
  class Silent : public Observer {
    void on_ready() override {}
    void on_end(const wire::Ending& /*ending*/) override {}
    void on_exec_end(const std::string& /*exec*/, const wire::Ending& /*ending*/) override {}
    void on_out_of_memory() override {}
  };

  FilesAtRest(io::Loop& loop, wire::Spec spec, Fd layer, image::Worker worker)
      : loop_(loop), spec_(std::move(spec)), layer_(std::move(layer)), worker_(std::move(worker)) {}
  void on_answer();
  Result<std::unique_ptr<Hull>> make_hull();

  io::Loop& loop_;
  const wire::Spec spec_;  // of the light hull
  Fd layer_;               // a file without a name
  std::optional<image::Worker> worker_;
  Silent observer_;
  std::unique_ptr<Hull> hull_;
  std::optional<Error> failure_;
  std::vector<Done<Hull*>> waiting_;
};

}  // namespace proa::hull
