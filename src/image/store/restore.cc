#include "image/store/restore.h"

#include "image/worker/worker.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"

namespace proa::image {
namespace {

Result<Worker> start(const Store& store, const Settings& settings, const Digest& diff_id,
                     std::string_view form, FdRef output) {
  const Fd layer = TRY(file::open_at(store.root(), place::layer(diff_id), O_RDONLY));
  const Fd tarmap = TRY(file::open_at(store.root(), place::tarmap(diff_id), O_RDONLY));
  Worker worker = TRY(Worker::start(settings.worker, WorkerRole::restore));
  json::Value request = json::Value::object();
  request.set("diffId", diff_id.text());
  request.set("form", form);
  TRY(send_message(worker.socket(), request, {layer, tarmap, output}));
  return worker;
}

// The worker's output; at its end the worker says whether that was all.
class RestoredSource : public ByteSource {
 public:
  RestoredSource(Worker worker, Fd pipe) : worker_(std::move(worker)), pipe_(std::move(pipe)) {}

  Result<std::size_t> read(MutableByteSpan buffer) override {
    const std::size_t count = TRY(file::read_some(pipe_, buffer));
    if (count == 0) TRY(receive_message(worker_.socket()));
    return count;
  }

 private:
  Worker worker_;
  Fd pipe_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> restore_layer(const Store& store, const Settings& settings,
                                                  const Digest& diff_id, LayerForm form) {
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  Worker worker =
      TRY(start(store, settings, diff_id, form == LayerForm::gzip ? "gzip" : "tar", pipe.write));
  pipe.write.reset();
  return std::unique_ptr<ByteSource>(
      std::make_unique<RestoredSource>(std::move(worker), std::move(pipe.read)));
}

Result<void> check_layer(const Store& store, const Settings& settings, const Digest& diff_id) {
  const Fd null = TRY(file::open("/dev/null", O_WRONLY));
  Worker worker = TRY(start(store, settings, diff_id, "check", null));
  TRY(receive_message(worker.socket()));
  return worker.finish();
}

}  // namespace proa::image
