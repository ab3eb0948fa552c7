#include "image/archive/inflation.h"

#include "kernel/file/pipe.h"

namespace proa::image {

Result<std::unique_ptr<Inflation>> Inflation::start(const Settings& settings, Fd archive) {
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  Worker worker = TRY(Worker::start(settings.worker, WorkerRole::inflate));
  TRY(send_message(worker.socket(), json::Value::object(), {archive, pipe.write}));
  return std::unique_ptr<Inflation>(new Inflation(std::move(worker), std::move(pipe.read)));
}

Result<void> Inflation::finish() {
  TRY(receive_message(worker_.socket()));
  return worker_.finish();
}

}  // namespace proa::image
