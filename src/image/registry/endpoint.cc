#include "image/registry/endpoint.h"

#include "kernel/file/file.h"

namespace proa::image {
namespace {

using oci::distribution::Reference;

// Where docker.io really is.
std::string host_of(const std::string& registry) {
  return registry == "docker.io" ? "registry-1.docker.io" : registry;
}

// Spec: docs.docker.com, "Verify repository client with certificates"
Result<void> add_certificates(const std::string& directory, Endpoint& endpoint) {
  const Result<Fd> opened = file::open(directory, O_RDONLY | O_DIRECTORY);
  if (!opened.ok()) return {};
  const std::vector<std::string> names = TRY(file::list(opened.value()));
  for (const std::string& name : names) {
    if (name.ends_with(".crt")) {
      endpoint.authorities += TRY(file::read_file_at(opened.value(), name, 65536));
    } else if (name.ends_with(".cert")) {
      const std::string key = cat(name.substr(0, name.size() - 5), ".key");
      endpoint.certificate = TRY(file::read_file_at(opened.value(), name, 65536));
      endpoint.key = TRY(file::read_file_at(opened.value(), key, 65536));
    }
  }
  return {};
}

struct Address {
  std::string scheme;  // "" where none was given
  std::string host;
  std::string path;
};

Address parse_address(std::string_view text) {
  Address address;
  for (const std::string_view scheme : {"https", "http"}) {
    const std::string front = cat(scheme, "://");
    if (!text.starts_with(front)) continue;
    address.scheme = scheme;
    text.remove_prefix(front.size());
    break;
  }
  const auto [host, path] = split_once(text, '/');
  address.host = host;
  address.path = path;
  while (address.path.ends_with('/')) address.path.pop_back();
  return address;
}

// A registry or a mirror, as settings and the request have it.
struct Server {
  Address address;
  std::string registry;  // by which certificates and credentials are kept
  bool insecure = false;
  std::string authorities;           // path
  std::optional<Credentials> given;  // instead of those kept
};

class Builder {
 public:
  Builder(const RegistrySettings& settings, const std::string& repository)
      : settings_(settings), repository_(repository) {}

  Result<void> add(const Server& server) {
    const Address& address = server.address;
    Endpoint endpoint;
    endpoint.repository = address.path.empty() ? repository_ : cat(address.path, "/", repository_);
    if (!server.authorities.empty()) {
      endpoint.authorities = TRY(file::read_file(server.authorities, 65536));
    }
    TRY(add_certificates(cat(settings_.certificates, "/", server.registry), endpoint));
    const auto credentials =
        server.given ? server.given : TRY(find_credentials(settings_.credentials, server.registry));
    if (credentials) endpoint.credentials = *credentials;
    endpoint.verify = !server.insecure;
    if (address.scheme != "http") {
      endpoint.base = cat("https://", address.host);
      endpoints.push_back(endpoint);
    }
    if (address.scheme == "http" || (server.insecure && address.scheme.empty())) {
      endpoint.base = cat("http://", address.host);
      endpoints.push_back(endpoint);
    }
    return {};
  }

  std::vector<Endpoint> endpoints;

 private:
  const RegistrySettings& settings_;
  const std::string& repository_;
};

}  // namespace

json::Value Endpoint::to_json() const {
  json::Value value = json::Value::object();
  value.set("base", base);
  value.set("repository", repository);
  value.set("authorities", authorities);
  value.set("certificate", certificate);
  value.set("key", key);
  value.set("verify", verify);
  value.set("user", credentials.user);
  value.set("secret", credentials.secret);
  value.set("identityToken", credentials.identity_token);
  return value;
}

Result<Endpoint> Endpoint::parse(const json::Reader& reader) {
  Endpoint endpoint;
  const auto text_at = [&](const char* key) -> Result<std::string> {
    const json::Reader member = TRY(reader.at(key));
    return member.string();
  };
  endpoint.base = TRY(text_at("base"));
  endpoint.repository = TRY(text_at("repository"));
  endpoint.authorities = TRY(text_at("authorities"));
  endpoint.certificate = TRY(text_at("certificate"));
  endpoint.key = TRY(text_at("key"));
  endpoint.credentials.user = TRY(text_at("user"));
  endpoint.credentials.secret = TRY(text_at("secret"));
  endpoint.credentials.identity_token = TRY(text_at("identityToken"));
  const json::Reader verify = TRY(reader.at("verify"));
  endpoint.verify = TRY(verify.boolean());
  return endpoint;
}

Result<std::vector<Endpoint>> endpoints_for(const RegistrySettings& settings,
                                            const Reference& reference, Purpose purpose) {
  Builder builder(settings, reference.repository);
  const RegistrySettings::Rule* rule = settings.rule_for(reference.name());
  if (rule != nullptr && purpose == Purpose::pull) {
    for (const std::string& mirror : rule->mirrors) {
      const Address address = parse_address(mirror);
      const RegistrySettings::Rule* own = settings.rule_for(address.host);
      const bool insecure =
          (own != nullptr && own->insecure) || oci::distribution::is_loopback(address.host);
      TRY(builder.add({.address = address,
                       .registry = address.host,
                       .insecure = insecure,
                       .authorities = own != nullptr ? own->authorities : std::string()}),
          "mirror '", mirror, "'");
    }
  }
  // This machine needs no TLS, unless it is said whom to trust.
  const bool insecure = rule != nullptr && (rule->insecure || !rule->authorities.empty())
                            ? rule->insecure
                            : oci::distribution::is_loopback(reference.registry);
  TRY(builder.add({.address = {"", host_of(reference.registry), ""},
                   .registry = reference.registry,
                   .insecure = insecure,
                   .authorities = rule != nullptr ? rule->authorities : std::string(),
                   .given = settings.given}),
      "registry '", reference.registry, "'");
  return builder.endpoints;
}

}  // namespace proa::image
