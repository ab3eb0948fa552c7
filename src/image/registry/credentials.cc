#include "image/registry/credentials.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/process/child.h"

namespace proa::image {
namespace {

constexpr std::string_view kHub = "https://index.docker.io/v1/";

// The keys that clients have written for one registry over the years.
std::vector<std::string> keys_of(std::string_view registry) {
  if (registry == "docker.io") return {std::string(kHub), "docker.io", "index.docker.io"};
  return {std::string(registry), cat("https://", registry), cat("http://", registry),
          cat("https://", registry, "/v1/"), cat("https://", registry, "/v2/")};
}

Result<json::Value> read_config(const std::string& path) {
  const Result<std::string> text = file::read_file(path, std::size_t{1} << 20);
  if (!text.ok() && text.error().errno_code() == ENOENT) return json::Value::object();
  if (!text.ok()) return text.error();
  return json::parse(text.value(), path);
}

std::string text_member(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  const auto* text = member != nullptr ? member->get_if<std::string>() : nullptr;
  return text != nullptr ? *text : std::string();
}

Result<Credentials> parse_entry(const json::Value& entry) {
  Credentials credentials;
  credentials.identity_token = text_member(entry, "identitytoken");
  credentials.user = text_member(entry, "username");
  credentials.secret = text_member(entry, "password");
  const std::string encoded = text_member(entry, "auth");
  if (!encoded.empty()) {
    const std::string decoded = TRY(base64_decode(encoded), "credentials");
    const auto [user, secret] = split_once(decoded, ':');
    credentials.user = user;
    credentials.secret = secret;
  }
  return credentials;
}

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "'", printable(name), "' is no credential helper");
  }
  const char* path = std::getenv("PATH");
  for (const std::string_view directory : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    std::string candidate = cat(directory, "/", name);
    if (directory.starts_with('/') && file::exists(candidate)) return candidate;
  }
  return fail(ErrorKind::not_found, "credential helper '", name, "' is not in PATH");
}

// Spec: docker-credential-helpers, "get": the server on standard input, JSON on standard output
Result<std::optional<Credentials>> ask_helper(const std::string& helper, const std::string& key) {
  const std::string name = cat("docker-credential-", helper);
  const std::string program = TRY(find_program(name));
  file::Pipe input = TRY(file::make_pipe(65536));
  file::Pipe output = TRY(file::make_pipe(65536));
  process::Spawn spawn;
  spawn.program = program;
  spawn.arguments = {name, "get"};
  spawn.standard_input = FdRef(input.read);
  spawn.standard_output = FdRef(output.write);
  process::Child child = TRY(process::Child::spawn(spawn));
  TRY(file::write_all(input.write, bytes_of(cat(key, "\n"))));
  input = {};
  output.write.reset();
  const std::string reply = TRY(file::read_all(output.read, 65536));
  const process::End end = TRY(child.wait());
  if (end != process::End(process::Exited{0})) {
    if (reply.find("not found") != std::string::npos) return std::optional<Credentials>();
    return fail(ErrorKind::internal, "'", name, "' failed: ", printable(trim(reply)));
  }
  const json::Value value = TRY(json::parse(reply, name));
  Credentials credentials{text_member(value, "Username"), text_member(value, "Secret"), {}};
  if (credentials.user == "<token>") credentials.identity_token.swap(credentials.secret);
  return std::optional<Credentials>(std::move(credentials));
}

}  // namespace

std::string default_credentials_file() {
  if (const char* directory = std::getenv("DOCKER_CONFIG")) return cat(directory, "/config.json");
  if (const char* home = std::getenv("HOME")) return cat(home, "/.docker/config.json");
  return {};
}

Result<std::optional<Credentials>> find_credentials(const std::string& path,
                                                    std::string_view registry) {
  if (path.empty()) return std::optional<Credentials>();
  const json::Value config = TRY(read_config(path), "reading credentials");
  const std::vector<std::string> keys = keys_of(registry);
  const json::Value* helpers = config.find("credHelpers");
  for (const std::string& key : keys) {
    const std::string helper = helpers != nullptr ? text_member(*helpers, key) : std::string();
    if (!helper.empty()) return ask_helper(helper, key);
  }
  if (const json::Value* entries = config.find("auths")) {
    for (const std::string& key : keys) {
      const json::Value* entry = entries->find(key);
      if (entry == nullptr) continue;
      Credentials credentials = TRY(parse_entry(*entry), "reading '", path, "'");
      // An empty entry says that a helper has it.
      if (credentials.user.empty() && credentials.identity_token.empty()) continue;
      return std::optional<Credentials>(std::move(credentials));
    }
  }
  const std::string everywhere = text_member(config, "credsStore");
  if (!everywhere.empty()) return ask_helper(everywhere, keys.front());
  return std::optional<Credentials>();
}

Result<void> store_credentials(const std::string& path, std::string_view registry,
                               const Credentials& credentials) {
  json::Value config = TRY(read_config(path), "reading credentials");
  json::Value entry = json::Value::object();
  entry.set("auth", base64_encode(cat(credentials.user, ":", credentials.secret)));
  json::Value entries = json::Value::object();
  if (const json::Value* present = config.find("auths")) entries = *present;
  if (entries.get_if<json::Value::Object>() == nullptr ||
      config.get_if<json::Value::Object>() == nullptr) {
    return fail(ErrorKind::invalid_argument, "'", path, "' is not in Docker's form");
  }
  entries.set(keys_of(registry).front(), std::move(entry));
  config.set("auths", std::move(entries));
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    TRY(file::make_directories(path.substr(0, slash), 0700));
  }
  return file::replace_file(FdRef::cwd(), path, cat(json::print_pretty(config), "\n"), 0600,
                            file::Durable::yes);
}

Result<void> erase_credentials(const std::string& path, std::string_view registry) {
  json::Value config = TRY(read_config(path), "reading credentials");
  const json::Value* entries = config.find("auths");
  const auto* members = entries != nullptr ? entries->get_if<json::Value::Object>() : nullptr;
  json::Value::Object kept = members != nullptr ? *members : json::Value::Object();
  const std::vector<std::string> keys = keys_of(registry);
  const auto erased = std::erase_if(kept, [&](const json::Member& member) {
    return std::ranges::find(keys, member.key) != keys.end();
  });
  if (erased == 0) return fail(ErrorKind::not_found, "not logged in to ", registry);
  config.set("auths", json::Value(std::move(kept)));
  return file::replace_file(FdRef::cwd(), path, cat(json::print_pretty(config), "\n"), 0600,
                            file::Durable::yes);
}

}  // namespace proa::image
