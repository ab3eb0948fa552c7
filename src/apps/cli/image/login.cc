// login, logout, and search, which there is none of.
#include <unistd.h>

#include "apps/cli/call.h"
#include "apps/cli/image/commands.h"
#include "apps/cli/image/pull.h"
#include "base/text.h"
#include "image/registry/credentials.h"
#include "kernel/file/file.h"
#include "kernel/process/terminal_mode.h"

namespace proa::cli {
namespace {

using client::Flag;
using json::Value;

constexpr std::string_view kHub = "docker.io";

std::string registry_argument(const Call& call) {
  if (call.arguments().empty()) return std::string(kHub);
  std::string_view registry = call.argument(0);
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (registry.starts_with(scheme)) registry.remove_prefix(scheme.size());
  }
  registry = registry.substr(0, registry.find('/'));
  return registry == "index.docker.io" ? std::string(kHub) : std::string(registry);
}

// Reads a line from the terminal, byte by byte: what follows it is not ours.
Result<std::string> read_line() {
  std::string line;
  std::byte byte;
  while (line.size() < 4096) {
    const std::size_t count = TRY(file::read_some(FdRef(0), MutableByteSpan(&byte, 1)));
    if (count == 0 || byte == std::byte{'\n'}) break;
    line.push_back(static_cast<char>(byte));
  }
  return std::string(trim(line));
}

Result<std::string> ask(std::string_view question) {
  TRY(print(question));
  return read_line();
}

Result<std::string> password(Call& call) {
  if (call.flags().is("password-stdin")) {
    const std::string text = TRY(file::read_all(FdRef(0), 65536));
    return std::string(trim(text));
  }
  if (call.flags().given("password")) {
    print_error("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    return call.flags().text("password");
  }
  if (!process::is_terminal(FdRef(0))) {
    return fail(ErrorKind::invalid_argument,
                "cannot ask for a password: standard input is no terminal. Use --password-stdin");
  }
  process::TerminalMode quiet = TRY(process::TerminalMode::set(FdRef(0), process::Echo::off));
  std::string secret = TRY(ask("Password: "));
  quiet.restore();
  TRY(print("\n"));
  return secret;
}

Result<int> do_login(Call& call) {
  if (call.flags().is("password-stdin") && !call.flags().given("username")) {
    return fail(ErrorKind::invalid_argument,
                "the --password-stdin option requires --username to be set");
  }
  if (call.flags().is("password-stdin") && call.flags().given("password")) {
    return fail(ErrorKind::invalid_argument,
                "conflicting options: cannot specify both --password and --password-stdin");
  }
  const std::string registry = registry_argument(call);
  std::string user = call.flags().text("username");
  if (user.empty()) user = TRY(ask("Username: "));
  if (user.empty()) return fail(ErrorKind::invalid_argument, "username is required");
  const std::string secret = TRY(password(call));
  if (secret.empty()) return fail(ErrorKind::invalid_argument, "password is empty");
  Value auth = Value::object();
  auth.set("username", user);
  auth.set("password", secret);
  auth.set("serveraddress", registry == kHub ? "https://index.docker.io/v1/" : registry);
  client::Client* engine = TRY(call.engine());
  client::Request request("POST", "/auth");
  request.body(auth);
  const Value answer = TRY(engine->call_json(request));
  const std::string token = text_at(answer, "IdentityToken");
  const image::Credentials credentials{user, token.empty() ? secret : "", token};
  const std::string file = image::default_credentials_file();
  if (file.empty()) return fail(ErrorKind::not_found, "neither DOCKER_CONFIG nor HOME is set");
  TRY(image::store_credentials(file, registry, credentials));
  const std::string status = text_at(answer, "Status");
  TRY(print(cat(status.empty() ? "Login Succeeded" : status, "\n")));
  return 0;
}

Result<int> do_logout(Call& call) {
  const std::string registry = registry_argument(call);
  const auto erased = image::erase_credentials(image::default_credentials_file(), registry);
  if (!erased.ok() && erased.error().kind() == ErrorKind::not_found) {
    TRY(print(cat("Not logged in to ", registry, "\n")));
    return 0;
  }
  if (!erased.ok()) return Error(erased.error());
  TRY(print(cat("Removing login credentials for ", registry, "\n")));
  return 0;
}

Result<int> do_search(Call&) {
  return fail(ErrorKind::unsupported,
              "search is not supported: the distribution specification has no search; look on the "
              "registry's own pages");
}

constexpr Flag kLoginFlags[] = {
    {'p', "password", Flag::Kind::text, "password", "Password or token"},
    {'\0', "password-stdin", Flag::Kind::boolean, "", "Read the password from standard input"},
    {'u', "username", Flag::Kind::text, "name", "User's name"},
};

}  // namespace

const Command kLogin = {.name = "login",
                        .arguments = "[SERVER]",
                        .brief = "Keep credentials for a registry",
                        .most = 1,
                        .flags = kLoginFlags,
                        .run = do_login,
                        .more =
                            "Example:\n  proa login -u ann --password-stdin registry.example.org "
                            "<secret\n"};
const Command kLogout = {.name = "logout",
                         .arguments = "[SERVER]",
                         .brief = "Forget credentials for a registry",
                         .most = 1,
                         .flags = {},
                         .run = do_logout};
const Command kSearch = {.name = "search",
                         .arguments = "TERM",
                         .brief = "Not supported: registries have no common search",
                         .least = 1,
                         .most = 1,
                         .flags = {},
                         .run = do_search};

}  // namespace proa::cli
