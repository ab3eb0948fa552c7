#include "build/run/step_runner.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>

#include "base/json_fields.h"
#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/socket/unix_stream.h"

namespace proa::build {
namespace {

constexpr std::size_t kMaxAnswer = std::size_t{64} << 10;

Result<Fd> write_request(const StepRequest& request) {
  const std::string path = cat(request.scratch, "/request.json");
  const Fd writer = TRY(file::open(path, O_CREAT | O_EXCL | O_WRONLY, 0600));
  TRY(file::write_all(writer, bytes_of(json::print(json::to_json(request)))));
  return file::open(path, O_RDONLY);
}

Result<process::End> read_answer(FdRef pipe) {
  const std::string text = TRY(file::read_all(pipe, kMaxAnswer));
  if (text.empty()) return fail(ErrorKind::internal, "proa-step ended without an answer");
  const json::Value document = TRY(json::parse(text, "proa-step"));
  const json::Reader reader(document, "proa-step");
  if (const auto error = reader.find("error")) {
    return fail(ErrorKind::internal, TRY(error->string()));
  }
  if (const auto number = reader.find("signalled")) {
    return process::End(process::Signalled{TRY(number->integer<int>())});
  }
  const json::Reader code = TRY(reader.at("exited"));
  return process::End(process::Exited{TRY(code.integer<int>())});
}

}  // namespace

Result<process::End> run_step(const StepSetup& setup, const OutputSink& output,
                              std::stop_token stop) {
  const Fd request = TRY(write_request(setup.request));
  file::Pipe text = TRY(file::make_pipe(file::kLargePipe));
  file::Pipe answer = TRY(file::make_pipe(4096));
  socket::Pair life = TRY(socket::stream_pair(socket::Blocking::yes));
  process::Spawn spawn;
  spawn.program = setup.program;
  spawn.arguments = {"proa-step"};
  spawn.environment = std::vector<std::string>();
  spawn.standard_output = text.write;
  spawn.standard_error = text.write;
  spawn.inherited = {{request, step_descriptor::kRequest},
                     {answer.write, step_descriptor::kAnswer},
                     {life.second, step_descriptor::kLife},
                     {setup.root.fd(), step_descriptor::kRoot}};
  if (setup.namespaces != nullptr) {
    spawn.inherited.emplace_back(setup.namespaces->network, step_descriptor::kNetwork);
    spawn.inherited.emplace_back(setup.namespaces->user, step_descriptor::kUser);
  }
  int number = step_descriptor::kFirstMount;
  for (const mount::DetachedMount& mount : setup.mounts) {
    spawn.inherited.emplace_back(mount.fd(), number++);
  }
  process::Child child = TRY(process::Child::spawn(spawn));
  text.write.reset();
  answer.write.reset();
  life.second.reset();
  const int life_end = life.first.get();
  const std::stop_callback cancel(stop, [life_end] { ::shutdown(life_end, SHUT_RDWR); });
  std::vector<std::byte> buffer(std::size_t{64} << 10);
  while (true) {
    const std::size_t count = TRY(file::read_some(text.read, buffer));
    if (count == 0) break;
    output(text_of(ByteSpan(buffer).first(count)));
  }
  Result<process::End> end = read_answer(answer.read);
  TRY(child.wait());
  if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  return end;
}

}  // namespace proa::build
