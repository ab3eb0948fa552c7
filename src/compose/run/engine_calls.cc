#include "compose/run/engine_calls.h"

#include <algorithm>
#include <map>

#include "base/number.h"
#include "client/http/request.h"
#include "client/stream/json_lines.h"
#include "compose/plan/body.h"
#include "compose/plan/labels.h"

namespace proa::compose {
namespace {

using client::percent_encode;
using client::Request;
using json::Value;

std::string text_at(const Value& value, std::string_view key) {
  const Value* member = value.find(key);
  const auto* text = member == nullptr ? nullptr : member->get_if<std::string>();
  return text == nullptr ? std::string() : *text;
}

const Value::Array& list_in(const Value& value) {
  static const Value::Array kNone;
  const auto* list = value.get_if<Value::Array>();
  return list == nullptr ? kNone : *list;
}

std::string label_filter(const std::string& label) {
  return json::print(Value::Object{{"label", std::vector<std::string>{label}}});
}

std::string project_filter(const std::string& project) {
  return label_filter(cat(label::kProject, "=", project));
}

std::string container_path(const std::string& container, std::string_view rest) {
  return cat("/containers/", percent_encode(container), rest);
}

Present present_of(const Value& row) {
  Present present;
  present.id = text_at(row, "Id");
  present.state = text_at(row, "State");
  present.image_id = text_at(row, "ImageID");
  if (const Value* names = row.find("Names")) {
    const Value::Array& list = list_in(*names);
    if (!list.empty() && list[0].get_if<std::string>() != nullptr) {
      present.name = *list[0].get_if<std::string>();
    }
    if (present.name.starts_with('/')) present.name.erase(0, 1);
  }
  if (const Value* labels = row.find("Labels")) {
    present.service = text_at(*labels, label::kService);
    present.config_hash = text_at(*labels, label::kConfigHash);
    const Result<unsigned> number = parse_number<unsigned>(text_at(*labels, label::kNumber));
    present.number = number.ok() ? number.value() : 0;
    present.one_off = to_lower(text_at(*labels, label::kOneOff)) == "true";
  }
  return present;
}

Result<void> say(client::Client& client, const Request& request) {
  TRY(client.call(request));
  return {};
}

}  // namespace

Result<std::vector<Present>> EngineCalls::containers(const std::string& project) {
  Request request("GET", "/containers/json");
  request.query("all", "1").query("filters", project_filter(project));
  const Value rows = TRY(client_.call_json(request));
  std::vector<Present> found;
  for (const Value& row : list_in(rows)) found.push_back(present_of(row));
  std::ranges::sort(found, {},
                    [](const Present& one) { return std::pair(one.service, one.number); });
  return found;
}

Result<std::vector<EngineCalls::ProjectCount>> EngineCalls::projects() {
  Request request("GET", "/containers/json");
  request.query("all", "1").query("filters", label_filter(std::string(label::kProject)));
  const Value rows = TRY(client_.call_json(request));
  std::map<std::string, ProjectCount> counts;
  for (const Value& row : list_in(rows)) {
    const Value* labels = row.find("Labels");
    if (labels == nullptr) continue;
    ProjectCount& count = counts[text_at(*labels, label::kProject)];
    count.name = text_at(*labels, label::kProject);
    count.files = text_at(*labels, label::kFiles);
    ++count.all;
    if (present_of(row).running()) ++count.running;
  }
  std::vector<ProjectCount> found;
  for (auto& [name, count] : counts) found.push_back(std::move(count));
  return found;
}

Result<std::optional<std::string>> EngineCalls::image_id(const std::string& reference) {
  const client::Reply reply =
      TRY(client_.exchange(Request("GET", cat("/images/", percent_encode(reference), "/json"))));
  if (reply.status == 404) return std::optional<std::string>();
  if (!reply.good()) return client::error_of(reply.status, reply.body);
  const Value image = TRY(json::parse(reply.body, "the image"));
  return std::optional<std::string>(text_at(image, "Id"));
}

Result<void> EngineCalls::pull(const std::string& reference,
                               const std::function<Result<void>(const Value&)>& progress) {
  Request request("POST", "/images/create");
  request.query("fromImage", reference);
  // Without a tag docker would pull all of them.
  const std::size_t slash = reference.rfind('/');
  const std::string_view last =
      std::string_view(reference).substr(slash == std::string::npos ? 0 : slash);
  if (last.find_first_of(":@") == std::string_view::npos) request.query("tag", "latest");
  client::Connection connection = TRY(client_.open(request));
  return client::for_each_value(connection, [&](Value message) -> Result<void> {
    if (const std::string error = text_at(message, "error"); !error.empty()) {
      return fail(ErrorKind::unavailable, "pulling ", reference, ": ", error);
    }
    return progress(message);
  });
}

Result<std::string> EngineCalls::create(const std::string& name, const Value& body) {
  Request request("POST", "/containers/create");
  request.query("name", name).body(body);
  const Value made = TRY(client_.call_json(request), "creating ", name);
  return text_at(made, "Id");
}

Result<void> EngineCalls::start(const std::string& container) {
  return say(client_, Request("POST", container_path(container, "/start")));
}

Result<void> EngineCalls::stop(const std::string& container, std::optional<std::int64_t> timeout) {
  Request request("POST", container_path(container, "/stop"));
  if (timeout) request.query("t", cat(*timeout));
  return say(client_, request);
}

Result<void> EngineCalls::restart(const std::string& container,
                                  std::optional<std::int64_t> timeout) {
  Request request("POST", container_path(container, "/restart"));
  if (timeout) request.query("t", cat(*timeout));
  return say(client_, request);
}

Result<void> EngineCalls::kill(const std::string& container, const std::string& signal) {
  Request request("POST", container_path(container, "/kill"));
  request.query("signal", signal);
  return say(client_, request);
}

Result<void> EngineCalls::remove(const std::string& container, Volumes volumes) {
  Request request("DELETE", container_path(container, ""));
  request.query("force", "1");
  if (volumes == Volumes::anonymous) request.query("v", "1");
  return say(client_, request);
}

Result<void> EngineCalls::rename(const std::string& container, const std::string& name) {
  Request request("POST", container_path(container, "/rename"));
  request.query("name", name);
  return say(client_, request);
}

Result<Inspected> EngineCalls::inspect(const std::string& container) {
  const Value answer = TRY(client_.call_json(Request("GET", container_path(container, "/json"))));
  Inspected inspected;
  inspected.id = text_at(answer, "Id");
  const Value* state = answer.find("State");
  if (state == nullptr) return inspected;
  inspected.state = text_at(*state, "Status");
  if (const Value* code = state->find("ExitCode"); code != nullptr) {
    if (const auto* number = code->get_if<std::int64_t>()) inspected.exit_code = *number;
  }
  if (const Value* health = state->find("Health")) inspected.health = text_at(*health, "Status");
  return inspected;
}

Result<void> EngineCalls::put_archive(const std::string& container, const std::string& directory,
                                      std::string tar) {
  Request request("PUT", container_path(container, "/archive"));
  request.query("path", directory).body(std::move(tar), "application/x-tar");
  return say(client_, request);
}

Result<bool> EngineCalls::ensure_network(const Project& project, const std::string& key,
                                         const Network& network) {
  const client::Reply reply =
      TRY(client_.exchange(Request("GET", cat("/networks/", percent_encode(network.name)))));
  if (reply.good()) return false;
  if (reply.status != 404) return client::error_of(reply.status, reply.body);
  if (network.external) {
    return fail(ErrorKind::not_found, "network ", network.name,
                " is declared external, but there is none of that name");
  }
  Request request("POST", "/networks/create");
  request.body(network_body(project, key, network));
  TRY(client_.call(request), "creating network ", network.name);
  return true;
}

Result<bool> EngineCalls::ensure_volume(const Project& project, const std::string& key,
                                        const Volume& volume) {
  const client::Reply reply =
      TRY(client_.exchange(Request("GET", cat("/volumes/", percent_encode(volume.name)))));
  if (reply.good()) return false;
  if (reply.status != 404) return client::error_of(reply.status, reply.body);
  if (volume.external) {
    return fail(ErrorKind::not_found, "volume ", volume.name,
                " is declared external, but there is none of that name");
  }
  Request request("POST", "/volumes/create");
  request.body(volume_body(project, key, volume));
  TRY(client_.call(request), "creating volume ", volume.name);
  return true;
}

Result<std::vector<std::string>> EngineCalls::networks(const std::string& project) {
  Request request("GET", "/networks");
  request.query("filters", project_filter(project));
  const Value rows = TRY(client_.call_json(request));
  std::vector<std::string> names;
  for (const Value& row : list_in(rows)) names.push_back(text_at(row, "Name"));
  return names;
}

Result<std::vector<std::string>> EngineCalls::volumes(const std::string& project) {
  Request request("GET", "/volumes");
  request.query("filters", project_filter(project));
  const Value answer = TRY(client_.call_json(request));
  std::vector<std::string> names;
  if (const Value* rows = answer.find("Volumes")) {
    for (const Value& row : list_in(*rows)) names.push_back(text_at(row, "Name"));
  }
  return names;
}

Result<void> EngineCalls::remove_network(const std::string& name) {
  return say(client_, Request("DELETE", cat("/networks/", percent_encode(name))));
}

Result<void> EngineCalls::remove_volume(const std::string& name) {
  return say(client_, Request("DELETE", cat("/volumes/", percent_encode(name))));
}

}  // namespace proa::compose
