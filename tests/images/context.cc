#include "tests/images/context.h"

#include <cstdio>
#include <memory>
#include <mutex>

#include "image/registry/credentials.h"
#include "kernel/file/file.h"

namespace proa::tests {
namespace {

Result<std::string> own_directory() {
  const std::string program = TRY(file::read_link_at(FdRef::cwd(), "/proc/self/exe"));
  return program.substr(0, program.rfind('/'));
}

std::string_view words(image::Progress::Stage stage) {
  using Stage = image::Progress::Stage;
  switch (stage) {
    case Stage::waiting:
      return "waiting";
    case Stage::exists:
      return "already exists";
    case Stage::downloading:
      return "downloading";
    case Stage::checking:
      return "checking";
    case Stage::done:
      return "complete";
    case Stage::uploading:
      return "uploading";
    case Stage::mounted:
      return "mounted from another repository";
    case Stage::note:
      return "";
  }
  return "";
}

}  // namespace

Result<image::Store> open_store(const Options& options) { return image::Store::open(options.root); }

Result<image::Settings> load_settings(const Options& options) {
  image::Settings settings;
  if (!options.configuration.empty()) {
    const std::string text = TRY(file::read_file(options.configuration));
    const json::Value value = TRY(json::parse(text, options.configuration));
    settings.registries =
        TRY(image::RegistrySettings::parse(json::Reader(value, options.configuration)));
  }
  settings.registries.credentials = image::default_credentials_file();
  const std::string directory = TRY(own_directory());
  settings.worker = cat(directory, "/proa-worker");
  return settings;
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

image::ProgressSink make_progress(const Options& options) {
  if (options.quiet) return [](const image::Progress&) {};
  // Shared by the copies of the sink.
  const auto mutex = std::make_shared<std::mutex>();
  return [mutex, as_json = options.json_progress](const image::Progress& progress) {
    const std::lock_guard lock(*mutex);
    if (as_json) {
      print_line(json::print(image::to_docker_json(progress)));
    } else if (progress.stage == image::Progress::Stage::note) {
      print_line(progress.text);
    } else if (progress.current == 0 || progress.current == progress.total) {
      print_line(cat(progress.id, ": ", words(progress.stage)));
    }
    std::fflush(stdout);
  };
}

std::string human_size(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  std::uint64_t tenths = bytes * 10;
  while (tenths >= 10000 && unit < 4) {
    tenths /= 1000;
    ++unit;
  }
  return tenths % 10 == 0 ? cat(tenths / 10, kUnits[unit])
                          : cat(tenths / 10, ".", tenths % 10, kUnits[unit]);
}

}  // namespace proa::tests
