#include "oci/distribution/reference.h"

#include <algorithm>

#include "base/number.h"
#include "base/text.h"

namespace proa::oci::distribution {
namespace {

constexpr std::string_view kDefaultRegistry = "docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTag = 128;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_letter_or_digit(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// [a-z0-9]+ parts joined by one '.', one or two '_', or any number of '-'.
bool is_component(std::string_view text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) {
    return false;
  }
  for (std::size_t at = 0; at < text.size();) {
    if (is_lower_or_digit(text[at])) {
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_not_of(text[at], at), text.size());
    const std::size_t run = end - at;
    const bool good =
        (text[at] == '.' && run == 1) || (text[at] == '_' && run <= 2) || text[at] == '-';
    if (!good || !is_lower_or_digit(text[end])) return false;
    at = end;
  }
  return true;
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTag) return false;
  if (!is_letter_or_digit(text.front()) && text.front() != '_') return false;
  return std::ranges::all_of(
      text, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_host_name(std::string_view text) {
  if (text.starts_with('[')) {
    return text.size() > 4 && text.ends_with(']') &&
           text.substr(1, text.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") ==
               std::string_view::npos;
  }
  for (const std::string_view label : split(text, '.')) {
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; })) {
      return false;
    }
  }
  return true;
}

// "host[:port]", the host in brackets where it is an IPv6 address.
std::pair<std::string_view, std::string_view> split_port(std::string_view registry) {
  const std::size_t bracket = registry.rfind(']');
  const std::size_t from = bracket == std::string_view::npos ? 0 : bracket;
  const std::size_t colon = registry.find(':', from);
  if (colon == std::string_view::npos) return {registry, {}};
  return {registry.substr(0, colon), registry.substr(colon + 1)};
}

bool is_registry(std::string_view text) {
  const auto [host, port] = split_port(text);
  if (host.size() != text.size()) {
    const Result<std::uint16_t> number = parse_number<std::uint16_t>(port);
    if (!number.ok() || number.value() == 0) return false;
  }
  return is_host_name(host);
}

// Docker's rule for whether the part before the first '/' is a registry: it has a dot or a port,
// or is "localhost", or cannot be a path component.
bool looks_like_registry(std::string_view text) {
  return text.find_first_of(".:") != std::string_view::npos || text == "localhost" ||
         to_lower(text) != text;
}

bool is_image_id(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <typename... Pieces>
Error invalid(std::string_view reference, const Pieces&... pieces) {
  return fail(ErrorKind::invalid_argument, "invalid reference '", printable(reference),
              "': ", pieces...);
}

Result<void> check_repository(std::string_view repository, std::string_view text) {
  if (to_lower(repository) != repository) {
    return invalid(text, "the repository's name must be lower case");
  }
  for (const std::string_view component : split(repository, '/')) {
    if (!is_component(component)) {
      return invalid(text, "'", printable(component), "' is no part of a repository's name");
    }
  }
  return {};
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  Reference reference;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    const Digest digest =
        TRY(Digest::parse(rest.substr(at + 1)), "invalid reference '", printable(text), "'");
    reference.digest = digest;
    rest = rest.substr(0, at);
  }
  // A colon after the last slash starts the tag; one before it belongs to the registry's port.
  const std::size_t slash = rest.rfind('/');
  const std::size_t colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    if (!is_tag(reference.tag)) return invalid(text, "the tag is not well-formed");
    rest = rest.substr(0, colon);
  }
  if (!reference.digest && reference.tag.empty()) {
    if (is_image_id(rest)) return invalid(text, "64 hex digits are an image's id, not its name");
    reference.tag = "latest";
  }
  const auto [first, after] = split_once(rest, '/');
  if (!after.empty() && looks_like_registry(first)) {
    if (!is_registry(first)) return invalid(text, "'", printable(first), "' is no registry");
    reference.registry = first == "index.docker.io" ? kDefaultRegistry : first;
    reference.repository = after;
  } else {
    reference.registry = kDefaultRegistry;
    reference.repository = rest;
  }
  TRY(check_repository(reference.repository, text));
  if (reference.registry == kDefaultRegistry &&
      reference.repository.find('/') == std::string::npos) {
    reference.repository = cat(kOfficial, reference.repository);
  }
  if (reference.name().size() > kMaxName) {
    return invalid(text, "the name is longer than ", kMaxName, " bytes");
  }
  return reference;
}

std::string Reference::name() const { return cat(registry, "/", repository); }

std::string Reference::text() const {
  std::string text = name();
  if (!tag.empty()) text.append(":").append(tag);
  if (digest) text.append("@").append(digest->text());
  return text;
}

std::string Reference::familiar_name() const {
  if (registry != kDefaultRegistry) return name();
  const std::string_view path = repository;
  const std::string_view official = path.substr(std::min(kOfficial.size(), path.size()));
  if (path.starts_with(kOfficial) && official.find('/') == std::string_view::npos) {
    return std::string(official);
  }
  return repository;
}

std::string Reference::familiar() const {
  std::string text = familiar_name();
  if (!tag.empty()) text.append(":").append(tag);
  if (digest) text.append("@").append(digest->text());
  return text;
}

bool is_loopback(std::string_view registry) {
  const std::string_view host = split_port(registry).first;
  if (host == "localhost" || host == "[::1]") return true;
  const auto parts = split(host, '.');
  return parts.size() == 4 && parts[0] == "127" && std::ranges::all_of(parts, [](auto part) {
           return parse_number<std::uint8_t>(part).ok();
         });
}

}  // namespace proa::oci::distribution
