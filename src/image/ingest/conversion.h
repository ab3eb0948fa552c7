// One run of the worker that makes a layer file: bytes in by a pipe, two staged files out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/digest.h"
#include "base/result.h"
#include "image/settings.h"
#include "image/store/store.h"
#include "image/worker/worker.h"

namespace proa::image {

struct ConvertedLayer {
  Digest diff_id;  // as the worker says
  LayerRecord record;
  Staging::File image;
  Staging::File tarmap;
};

// Owner: the thread that ingests. Thread: one at a time.
class Conversion {
 public:
  static Result<Conversion> start(const Settings& settings, const Staging& staging,
                                  std::stop_token stop);
  // Errors: what the worker said before it stopped reading
  Result<void> write(ByteSpan blob);
  // Takes what waits in a pipe, at most `most` bytes, and leaves it there; 0 at the end.
  //
  // Errors: as write
  Result<std::size_t> copy(FdRef pipe, std::size_t most);
  // Has the disk start on what the worker wrote so far.
  void start_writeback() const;
  // Ends the stream. Afterwards no other process can write to the files.
  Result<ConvertedLayer> finish();

 private:
  Error stopped(Error error);

  // Kills the worker when asked to stop; on the heap, since it is known by address.
  struct Kill {
    Worker worker;
    std::stop_callback<std::function<void()>> callback;
    Kill(Worker started, const std::stop_token& stop)
        : worker(std::move(started)), callback(stop, [this] { worker.kill(); }) {}
  };
  Conversion(std::unique_ptr<Kill> worker, Fd pipe, Staging::File image, Staging::File tarmap)
      : worker_(std::move(worker)),
        pipe_(std::move(pipe)),
        image_(std::move(image)),
        tarmap_(std::move(tarmap)) {}

  std::unique_ptr<Kill> worker_;
  Fd pipe_;
  Staging::File image_;
  Staging::File tarmap_;
};

}  // namespace proa::image
