#include "apps/cli/system/show.h"

#include <algorithm>

#include "apps/cli/call.h"
#include "base/text.h"
#include "client/format/units.h"

namespace proa::cli {
namespace {

using json::Value;

void add_line(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out.append(" ").append(name).append(": ").append(value).append("\n");
}

std::string aligned(std::string_view name, std::string_view value) {
  std::string line = cat(" ", name, ":");
  line.append(line.size() < 20 ? 20 - line.size() : 1, ' ');
  return line.append(value).append("\n");
}

// A number or text, as it stands.
std::string shown(const Value& value) {
  if (const auto* text = value.get_if<std::string>()) return *text;
  return value.is_null() ? "" : json::print(value);
}

std::string joined(const Value& object, std::string_view member, std::string_view separator) {
  std::string text;
  for (const Value& entry : list_at(object, member)) {
    text.append(text.empty() ? "" : separator).append(shown(entry));
  }
  return text;
}

}  // namespace

std::string show_version(const Value& versions) {
  const Value& client = member_at(versions, "Client");
  const Value& server = member_at(versions, "Server");
  std::string out = "Client: Proa\n";
  out.append(aligned("Version", text_at(client, "Version")));
  out.append(aligned("API version", text_at(client, "ApiVersion")));
  out.append(aligned("OS/Arch", cat(text_at(client, "Os"), "/", text_at(client, "Arch"))));
  if (server.is_null()) return out;
  const std::string platform = text_at(member_at(server, "Platform"), "Name");
  out.append("\nServer:").append(platform.empty() ? "" : " ").append(platform).append("\n");
  out.append(aligned("Version", text_at(server, "Version")));
  out.append(aligned("API version", cat(text_at(server, "ApiVersion"), " (minimum version ",
                                        text_at(server, "MinAPIVersion"), ")")));
  out.append(aligned("OS/Arch", cat(text_at(server, "Os"), "/", text_at(server, "Arch"))));
  out.append(aligned("Kernel", text_at(server, "KernelVersion")));
  return out;
}

std::string show_info(const Value& info, const Value& client) {
  std::string out = cat("Client: Proa ", text_at(client, "Version"), "\n\nServer:\n");
  out.append(cat(" Containers: ", number_at(info, "Containers"), "\n"));
  for (const char* state : {"Running", "Paused", "Stopped"}) {
    out.append(cat("  ", state, ": ", number_at(info, cat("Containers", state)), "\n"));
  }
  out.append(cat(" Images: ", number_at(info, "Images"), "\n"));
  add_line(out, "Server Version", text_at(info, "ServerVersion"));
  add_line(out, "Storage Driver", text_at(info, "Driver"));
  for (const Value& pair : list_at(info, "DriverStatus")) {
    const auto* parts = pair.get_if<Value::Array>();
    if (parts == nullptr || parts->size() != 2) continue;
    out.append(cat("  ", shown((*parts)[0]), ": ", shown((*parts)[1]), "\n"));
  }
  add_line(out, "Logging Driver", text_at(info, "LoggingDriver"));
  add_line(out, "Cgroup Driver", text_at(info, "CgroupDriver"));
  add_line(out, "Cgroup Version", text_at(info, "CgroupVersion"));
  std::string runtimes;
  for (const json::Member& runtime : members_at(info, "Runtimes")) {
    runtimes.append(runtimes.empty() ? "" : " ").append(runtime.key);
  }
  add_line(out, "Runtimes", runtimes);
  add_line(out, "Default Runtime", text_at(info, "DefaultRuntime"));
  const std::string security = joined(info, "SecurityOptions", "\n  ");
  if (!security.empty()) out.append(" Security Options:\n  ").append(security).append("\n");
  add_line(out, "Kernel Version", text_at(info, "KernelVersion"));
  add_line(out, "Operating System", text_at(info, "OperatingSystem"));
  add_line(out, "OSType", text_at(info, "OSType"));
  add_line(out, "Architecture", text_at(info, "Architecture"));
  add_line(out, "CPUs", cat(number_at(info, "NCPU")));
  add_line(out, "Total Memory", client::binary_size(real_at(info, "MemTotal")));
  add_line(out, "Name", text_at(info, "Name"));
  add_line(out, "ID", text_at(info, "ID"));
  add_line(out, "Root Dir", text_at(info, "DockerRootDir"));
  add_line(out, "Debug Mode", flag_at(info, "Debug") ? "true" : "false");
  const std::string labels = joined(info, "Labels", "\n  ");
  if (!labels.empty()) out.append(" Labels:\n  ").append(labels).append("\n");
  return out;
}

std::string show_event(const Value& event) {
  const std::int64_t nanoseconds = number_at(event, "timeNano");
  const std::int64_t seconds =
      nanoseconds != 0 ? nanoseconds / 1'000'000'000 : number_at(event, "time");
  std::string fraction = cat(nanoseconds % 1'000'000'000);
  fraction.insert(0, 9 - std::min<std::size_t>(fraction.size(), 9), '0');
  const Value& actor = member_at(event, "Actor");
  std::string out = cat(local_rfc3339(seconds, cat(".", fraction)), " ", text_at(event, "Type"),
                        " ", text_at(event, "Action"), " ", text_at(actor, "ID"));
  std::string attributes;
  Value::Object sorted = members_at(actor, "Attributes");
  std::ranges::sort(sorted, {}, &json::Member::key);
  for (const json::Member& attribute : sorted) {
    attributes.append(attributes.empty() ? "" : ", ");
    attributes.append(attribute.key).append("=").append(shown(attribute.value));
  }
  if (!attributes.empty()) out.append(" (").append(attributes).append(")");
  return out.append("\n");
}

}  // namespace proa::cli
