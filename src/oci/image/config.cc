#include "oci/image/config.h"

#include "oci/image/manifest.h"
#include "oci/image/run_defaults.h"

namespace proa::oci::image {
namespace {

constexpr std::size_t kMaxHistory = 2048;

Result<std::string> text_at(const json::Reader& reader, std::string_view key) {
  if (const auto member = reader.find(key)) return member->string();
  return std::string();
}

// Docker writes `null` and the absence of a list alike; some tools write a single string.
Result<std::vector<std::string>> texts_at(const json::Reader& reader, std::string_view key) {
  const auto member = reader.find(key);
  if (!member) return std::vector<std::string>();
  if (const auto* single = member->value().get_if<std::string>()) {
    return std::vector<std::string>{*single};
  }
  return member->strings();
}

// A set as JSON has it: an object with empty values.
Result<std::vector<std::string>> keys_at(const json::Reader& reader, std::string_view key) {
  std::vector<std::string> keys;
  const auto member = reader.find(key);
  if (!member) return keys;
  const auto members = TRY(member->members());
  for (const auto& [name, value] : members) keys.emplace_back(name);
  return keys;
}

Result<std::chrono::nanoseconds> duration_at(const json::Reader& reader, std::string_view key) {
  const auto member = reader.find(key);
  if (!member) return std::chrono::nanoseconds(0);
  const std::int64_t count = TRY(member->integer<std::int64_t>());
  if (count < 0) return member->fault("a duration below zero");
  return std::chrono::nanoseconds(count);
}

Result<HealthCheck> parse_health_check(const json::Reader& reader) {
  HealthCheck check;
  check.test = TRY(texts_at(reader, "Test"));
  check.interval = TRY(duration_at(reader, "Interval"));
  check.timeout = TRY(duration_at(reader, "Timeout"));
  check.start_period = TRY(duration_at(reader, "StartPeriod"));
  check.start_interval = TRY(duration_at(reader, "StartInterval"));
  if (const auto retries = reader.find("Retries")) check.retries = TRY(retries->integer<int>());
  return check;
}

Result<std::vector<HistoryEntry>> parse_history(const json::Reader& reader) {
  const auto elements = TRY(reader.elements());
  if (elements.size() > kMaxHistory) {
    return fail(ErrorKind::exhausted, reader.path(), ": ", elements.size(),
                " entries, above the limit of ", kMaxHistory);
  }
  std::vector<HistoryEntry> history;
  for (const json::Reader& element : elements) {
    HistoryEntry entry;
    entry.created = TRY(text_at(element, "created"));
    entry.created_by = TRY(text_at(element, "created_by"));
    entry.author = TRY(text_at(element, "author"));
    entry.comment = TRY(text_at(element, "comment"));
    if (const auto empty = element.find("empty_layer")) entry.empty_layer = TRY(empty->boolean());
    history.push_back(std::move(entry));
  }
  return history;
}

Result<std::vector<Digest>> parse_diff_ids(const json::Reader& reader) {
  const json::Reader rootfs = TRY(reader.at("rootfs"));
  const json::Reader list = TRY(rootfs.at("diff_ids"));
  const auto elements = TRY(list.elements());
  if (elements.size() > kMaxLayers) {
    return fail(ErrorKind::exhausted, list.path(), ": ", elements.size(),
                " layers, above the limit of ", kMaxLayers);
  }
  std::vector<Digest> diff_ids;
  for (const json::Reader& element : elements) {
    const std::string text = TRY(element.string());
    const Digest digest = TRY(Digest::parse(text), element.path());
    diff_ids.push_back(digest);
  }
  return diff_ids;
}

void set_text(json::Value& value, const char* key, const std::string& text) {
  if (!text.empty()) value.set(key, text);
}

void set_texts(json::Value& value, const char* key, const std::vector<std::string>& texts) {
  if (!texts.empty()) value.set(key, texts);
}

void set_keys(json::Value& value, const char* key, const std::vector<std::string>& keys) {
  if (keys.empty()) return;
  json::Value set = json::Value::object();
  for (const std::string& name : keys) set.set(name, json::Value::object());
  value.set(key, std::move(set));
}

json::Value to_json(const HealthCheck& check) {
  json::Value value = json::Value::object();
  set_texts(value, "Test", check.test);
  const auto set_duration = [&](const char* key, std::chrono::nanoseconds duration) {
    if (duration.count() != 0) value.set(key, duration.count());
  };
  set_duration("Interval", check.interval);
  set_duration("Timeout", check.timeout);
  set_duration("StartPeriod", check.start_period);
  set_duration("StartInterval", check.start_interval);
  if (check.retries != 0) value.set("Retries", check.retries);
  return value;
}

json::Value to_json(const HistoryEntry& entry) {
  json::Value value = json::Value::object();
  set_text(value, "created", entry.created);
  set_text(value, "created_by", entry.created_by);
  set_text(value, "author", entry.author);
  set_text(value, "comment", entry.comment);
  if (entry.empty_layer) value.set("empty_layer", true);
  return value;
}

}  // namespace

Result<RunDefaults> parse_run(const json::Reader& reader) {
  RunDefaults run;
  run.user = TRY(text_at(reader, "User"));
  run.exposed_ports = TRY(keys_at(reader, "ExposedPorts"));
  run.environment = TRY(texts_at(reader, "Env"));
  run.entrypoint = TRY(texts_at(reader, "Entrypoint"));
  run.command = TRY(texts_at(reader, "Cmd"));
  run.volumes = TRY(keys_at(reader, "Volumes"));
  run.working_directory = TRY(text_at(reader, "WorkingDir"));
  if (const auto labels = reader.find("Labels")) run.labels = TRY(labels->string_map());
  run.stop_signal = TRY(text_at(reader, "StopSignal"));
  if (const auto timeout = reader.find("StopTimeout")) {
    run.stop_timeout = TRY(timeout->integer<int>());
  }
  run.shell = TRY(texts_at(reader, "Shell"));
  run.on_build = TRY(texts_at(reader, "OnBuild"));
  if (const auto check = reader.find("Healthcheck")) {
    run.health_check = TRY(parse_health_check(*check));
  }
  return run;
}

json::Value to_json(const RunDefaults& run) {
  json::Value value = json::Value::object();
  set_text(value, "User", run.user);
  set_keys(value, "ExposedPorts", run.exposed_ports);
  set_texts(value, "Env", run.environment);
  set_texts(value, "Entrypoint", run.entrypoint);
  set_texts(value, "Cmd", run.command);
  set_keys(value, "Volumes", run.volumes);
  set_text(value, "WorkingDir", run.working_directory);
  if (!run.labels.empty()) value.set("Labels", to_json(Annotations(run.labels)));
  set_text(value, "StopSignal", run.stop_signal);
  if (run.stop_timeout) value.set("StopTimeout", *run.stop_timeout);
  set_texts(value, "Shell", run.shell);
  set_texts(value, "OnBuild", run.on_build);
  if (run.health_check) value.set("Healthcheck", to_json(*run.health_check));
  return value;
}

Result<Config> Config::parse(std::string_view text) {
  if (text.size() > kMaxDocument) {
    return fail(ErrorKind::exhausted, "the image configuration has ", text.size(),
                " bytes, above the limit of ", kMaxDocument);
  }
  const json::Value value = TRY(json::parse(text, "image configuration"));
  const json::Reader reader(value, "image configuration");
  Config config;
  config.created = TRY(text_at(reader, "created"));
  config.author = TRY(text_at(reader, "author"));
  config.parent = TRY(text_at(reader, "parent"));
  config.platform = TRY(Platform::parse(reader));
  config.diff_ids = TRY(parse_diff_ids(reader));
  if (const auto run = reader.find("config")) config.run = TRY(parse_run(*run));
  if (const auto history = reader.find("history")) config.history = TRY(parse_history(*history));
  return config;
}

std::string Config::print() const {
  json::Value value = json::Value::object();
  set_text(value, "created", created);
  set_text(value, "author", author);
  set_text(value, "parent", parent);
  value.set("architecture", platform.architecture);
  set_text(value, "variant", platform.variant);
  value.set("os", platform.os);
  set_text(value, "os.version", platform.os_version);
  value.set("config", to_json(run));
  json::Value ids = json::Value::array();
  for (const Digest& diff_id : diff_ids) ids.push(diff_id.text());
  json::Value rootfs = json::Value::object();
  rootfs.set("type", "layers");
  rootfs.set("diff_ids", std::move(ids));
  value.set("rootfs", std::move(rootfs));
  if (!history.empty()) {
    json::Value entries = json::Value::array();
    for (const HistoryEntry& entry : history) entries.push(to_json(entry));
    value.set("history", std::move(entries));
  }
  return json::print(value);
}

}  // namespace proa::oci::image
