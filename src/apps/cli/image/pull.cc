#include "apps/cli/image/pull.h"

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "client/progress/progress.h"
#include "client/stream/json_lines.h"
#include "image/registry/credentials.h"
#include "kernel/file/file.h"
#include "kernel/process/terminal_mode.h"

namespace proa::cli {

std::string encode_auth(const json::Value& auth) {
  // RFC 4648, 5: the alphabet for URLs.
  std::string encoded = base64_encode(json::print(auth));
  std::ranges::replace(encoded, '+', '-');
  std::ranges::replace(encoded, '/', '_');
  return encoded;
}

Result<std::string> registry_auth(std::string_view registry) {
  const auto kept = TRY(image::find_credentials(image::default_credentials_file(), registry));
  json::Value auth = json::Value::object();
  if (kept && !kept->identity_token.empty()) {
    auth.set("identitytoken", kept->identity_token);
  } else if (kept) {
    auth.set("username", kept->user);
    auth.set("password", kept->secret);
  }
  if (kept) auth.set("serveraddress", registry);
  return encode_auth(auth);
}

Result<void> show_progress(client::Connection& connection, const ProgressPlace& place) {
  const FdRef output(place.to_errors ? 2 : 1);
  std::optional<std::size_t> width;
  if (const auto size = process::window_size(output)) width = size->columns;
  client::Progress progress(width, [&](std::string_view text) -> Result<void> {
    if (place.quiet) return {};
    return file::write_all(output, bytes_of(text));
  });
  return client::for_each_value(connection,
                                [&](const json::Value& message) { return progress.show(message); });
}

Result<void> pull_image(client::Client& engine, std::string_view name, const PullOptions& options) {
  const auto reference = TRY(oci::distribution::Reference::parse(name));
  client::Request request("POST", "/images/create");
  request.query("fromImage", reference.name());
  if (!options.all_tags) request.query("tag", reference.target());
  if (!options.platform.empty()) request.query("platform", options.platform);
  request.header("X-Registry-Auth", TRY(registry_auth(reference.registry)));
  client::Connection connection = TRY(engine.open(request));
  return show_progress(connection, {options.quiet, options.to_errors});
}

}  // namespace proa::cli
