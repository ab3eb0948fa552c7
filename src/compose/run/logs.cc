#include "compose/run/logs.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <thread>
#include <vector>

#include "client/http/request.h"
#include "client/stream/frame_splitter.h"
#include "compose/run/engine_calls.h"

namespace proa::compose {
namespace {

constexpr std::array<std::string_view, 6> kColours = {"36", "33", "32", "35", "34", "31"};

// Cuts a stream into lines, so that those of several containers do not mix within one.
class LinePrinter {
 public:
  LinePrinter(std::string prefix, std::mutex& mutex,
              const std::function<void(std::string_view)>& print)
      : prefix_(std::move(prefix)), mutex_(mutex), print_(print) {}
  LinePrinter(const LinePrinter&) = delete;
  LinePrinter& operator=(const LinePrinter&) = delete;
  ~LinePrinter() {
    if (!rest_.empty()) feed("\n");
  }

  void feed(std::string_view bytes) {
    rest_ += bytes;
    std::size_t end = rest_.rfind('\n');
    if (end == std::string::npos) return;
    std::string lines;
    for (const std::string_view line : split(std::string_view(rest_).substr(0, end), '\n')) {
      lines += cat(prefix_, line, "\n");
    }
    rest_.erase(0, end + 1);
    const std::lock_guard lock(mutex_);
    print_(lines);
  }

 private:
  std::string prefix_, rest_;
  std::mutex& mutex_;
  const std::function<void(std::string_view)>& print_;
};

Result<void> stream(const client::Address& engine, const Present& container,
                    const LogOptions& options, LinePrinter& printer) {
  client::Client client(engine);
  client::Request request("GET",
                          cat("/containers/", client::percent_encode(container.id), "/logs"));
  request.query("stdout", "1").query("stderr", "1").query("tail", options.tail);
  if (options.follow) request.query("follow", "1");
  if (options.timestamps) request.query("timestamps", "1");
  if (!options.since.empty()) request.query("since", options.since);
  if (!options.until.empty()) request.query("until", options.until);
  client::Connection connection = TRY(client.open(request));
  // A terminal's output comes as it is.
  const std::string_view type = connection.head().headers.find("Content-Type").value_or("");
  const bool framed = type.find("multiplexed") != std::string_view::npos;
  client::FrameSplitter splitter;
  while (true) {
    const std::optional<std::string_view> piece = TRY(connection.next());
    if (!piece) return {};
    if (!framed) {
      printer.feed(*piece);
      continue;
    }
    TRY(splitter.feed(*piece, [&](client::Stream, std::string_view bytes) -> Result<void> {
      printer.feed(bytes);
      return {};
    }));
  }
}

}  // namespace

Result<void> logs(const client::Address& engine, const std::string& project,
                  const LogOptions& options, const std::function<void(std::string_view)>& print) {
  std::vector<Present> containers = TRY(EngineCalls(engine).containers(project));
  std::erase_if(containers, [&](const Present& container) {
    return container.one_off ||
           (!options.services.empty() && !options.services.contains(container.service));
  });
  std::size_t width = 0;
  const auto label = [&](const Present& container) {
    return cat(container.service, "-", container.number);
  };
  for (const Present& container : containers) width = std::max(width, label(container).size());

  std::mutex mutex;
  std::optional<Error> first;
  std::vector<std::jthread> threads;
  for (std::size_t at = 0; at < containers.size(); ++at) {
    const Present& container = containers[at];
    std::string prefix;
    if (options.prefix) {
      prefix = label(container);
      prefix.resize(width, ' ');
      prefix += "  | ";
      if (options.colours) {
        prefix = cat("\x1b[", kColours[at % kColours.size()], "m", prefix, "\x1b[0m");
      }
    }
    threads.emplace_back([&, prefix = std::move(prefix)] {
      const Result<void> outcome = [&]() -> Result<void> {
        LinePrinter printer(prefix, mutex, print);
        return stream(engine, container, options, printer);
      }();
      if (outcome.ok()) return;
      const std::lock_guard lock(mutex);
      if (!first) first = outcome.error();
    });
  }
  threads.clear();
  if (first) return *first;
  return {};
}

}  // namespace proa::compose
