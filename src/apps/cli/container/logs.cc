// logs.
#include "apps/cli/call.h"
#include "apps/cli/container/commands.h"
#include "client/format/units.h"
#include "client/stream/frame_splitter.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;

Result<void> write_to(client::Stream stream, std::string_view content) {
  const bool to_error = stream == client::Stream::error || stream == client::Stream::system;
  return file::write_all(FdRef(to_error ? 2 : 1), bytes_of(content));
}

Result<int> do_logs(Call& call) {
  const client::Flags& flags = call.flags();
  client::Client* engine = TRY(call.engine());
  const json::Value shown =
      TRY(engine->call_json(Request("GET", container_path(call.argument(0), "/json"))));
  Request request("GET", container_path(text_at(shown, "Id"), "/logs"));
  request.query("stdout", "1").query("stderr", "1");
  if (flags.is("follow")) request.query("follow", "1");
  if (flags.is("timestamps")) request.query("timestamps", "1");
  if (flags.is("details")) request.query("details", "1");
  request.query("tail", flags.given("tail") ? flags.text("tail") : "all");
  for (const char* flag : {"since", "until"}) {
    if (!flags.given(flag)) continue;
    request.query(flag, TRY(client::parse_moment(flags.text(flag), now()), "invalid value for \"",
                            flag, "\""));
  }
  client::Connection connection = TRY(engine->open(request));
  const bool raw = flag_at(member_at(shown, "Config"), "Tty");
  client::FrameSplitter frames;
  while (true) {
    const std::optional<std::string_view> piece = TRY(connection.next());
    if (!piece) return 0;
    if (raw) {
      TRY(write_to(client::Stream::output, *piece));
    } else {
      TRY(frames.feed(*piece, write_to));
    }
  }
}

constexpr Flag kFlags[] = {
    {'\0', "details", Flag::Kind::boolean, "", "Also what the log driver keeps beside each line"},
    {'f', "follow", Flag::Kind::boolean, "", "Go on with what is written from now on"},
    {'\0', "since", Flag::Kind::text, "time", "From then on: RFC 3339, or \"42m\" ago"},
    {'n', "tail", Flag::Kind::text, "number", "The last lines only (all)"},
    {'t', "timestamps", Flag::Kind::boolean, "", "When each line was written"},
    {'\0', "until", Flag::Kind::text, "time", "Up to then"},
};

}  // namespace

const Command kLogs = {.name = "logs",
                       .arguments = "CONTAINER",
                       .brief = "Show what a container has written",
                       .least = 1,
                       .most = 1,
                       .flags = kFlags,
                       .run = do_logs,
                       .completes = "container"};

}  // namespace proa::cli
