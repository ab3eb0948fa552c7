// bench_machine_frames SPEC_JSON PROGRAM [ARGUMENT...]: prints the requests that a shim would send
// to the agent of this workload's machine, to be read by a machine that was started by hand.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>
#include <thread>

#include "base/json_fields.h"
#include "hull/heavy/configuration.h"
#include "hull/heavy/hypervisor.h"
#include "kernel/file/file.h"
#include "wire/codec.h"
#include "wire/frame.h"

namespace {

using namespace proa;

Result<std::string> frames(int count, char** arguments) {
  const std::string text = TRY(file::read_file(arguments[1]));
  const json::Value document = TRY(json::parse(text, "spec.json"));
  wire::Spec spec;
  TRY(json::from_json(json::Reader(document, "spec.json"), spec));
  spec.process.arguments.assign(arguments + 2, arguments + count);
  std::vector<wire::LayerPlace> places;
  std::uint64_t offset = 0;
  for (const std::string& path : spec.layers) {
    const Fd layer = TRY(file::open(path, O_RDONLY));
    const struct stat status = TRY(file::stat(layer));
    const auto size = static_cast<std::uint64_t>(status.st_size);
    places.push_back({hull::kLayersSerial, offset, size});
    offset += size;
  }
  const auto size = TRY(hull::machine_size(spec, std::thread::hardware_concurrency()));
  const auto configure = TRY(hull::make_configuration(spec, size, places));
  const wire::Start start{{.input = 0, .output = 1, .error = 2}};
  return wire::print({wire::MessageType::configure, 0, 1, wire::encode(configure)}) +
         wire::print({wire::MessageType::start, 0, 2, wire::encode(start)});
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fputs("usage: bench_machine_frames SPEC_JSON PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  const auto made = frames(count, arguments);
  if (!made.ok()) {
    std::fprintf(stderr, "%s\n", made.error().message().c_str());
    return 1;
  }
  std::fwrite(made.value().data(), 1, made.value().size(), stdout);
  return 0;
}
