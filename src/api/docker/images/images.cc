// Images that are here: list, inspect, history, tag, remove, prune.
#include <algorithm>

#include "api/docker/filters.h"
#include "api/docker/images/image_show.h"
#include "api/docker/resources.h"
#include "api/services.h"
#include "base/time.h"
#include "image/store/collect.h"
#include "oci/distribution/reference.h"

namespace proa::api::docker {
namespace {

using json::Value;
using oci::distribution::Reference;

// "name", "name:tag", with * as any text within the name: what --filter reference takes.
bool matches_pattern(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*') {
    for (std::size_t length = 0; length <= name.size(); ++length) {
      if (matches_pattern(pattern.substr(1), name.substr(length))) return true;
      if (length < name.size() && name[length] == '/') break;
    }
    return false;
  }
  if (name.empty() || (pattern.front() != '?' && pattern.front() != name.front())) return false;
  return matches_pattern(pattern.substr(1), name.substr(1));
}

bool named_like(const std::string& name, const std::string& pattern) {
  const auto reference = Reference::parse(name);
  if (!reference.ok()) return false;
  const Reference& parsed = reference.value();
  return matches_pattern(pattern, parsed.familiar()) ||
         matches_pattern(pattern, parsed.familiar_name()) ||
         matches_pattern(pattern, parsed.text()) || matches_pattern(pattern, parsed.name());
}

struct ImageFilter {
  engine::Filters filters;
  std::optional<bool> dangling;
  std::optional<std::int64_t> before, since, until;  // seconds
};

using FilterKeys = std::initializer_list<std::string_view>;

Result<ImageFilter> read_filter(Services& services, const Request& request, FilterKeys known) {
  ImageFilter filter{.filters = TRY(request.filters())};
  TRY(check_filters(filter.filters, known));
  filter.dangling = TRY(flag_filter(filter.filters, "dangling"));
  for (const auto& [key, into] :
       {std::pair("before", &filter.before), std::pair("since", &filter.since)}) {
    const auto found = filter.filters.find(key);
    if (found == filter.filters.end() || found->second.empty()) continue;
    const image::Image other = TRY(services.images.inspect(found->second.front()));
    *into = created_seconds(other);
  }
  const auto until = TRY(until_filter(filter.filters));
  if (until) filter.until = *until / 1'000'000'000;
  return filter;
}

bool matches(const ImageFilter& filter, const image::Image& image) {
  const std::int64_t created = created_seconds(image);
  if (filter.dangling && image.names.empty() != *filter.dangling) return false;
  if (filter.before && created >= *filter.before) return false;
  if (filter.since && created <= *filter.since) return false;
  if (filter.until && created >= *filter.until) return false;
  const auto& labels = image.config.run.labels;
  return labels_match({labels.begin(), labels.end()}, filter.filters);
}

// Keeps the names that a "reference" filter asks for; false where none is left.
bool keep_names(const ImageFilter& filter, image::Image& image) {
  const auto wanted = filter.filters.find("reference");
  if (wanted == filter.filters.end()) return true;
  std::erase_if(image.names, [&](const std::string& name) {
    return std::ranges::none_of(wanted->second,
                                [&](const auto& pattern) { return named_like(name, pattern); });
  });
  return !image.names.empty();
}

Result<void> list(Services& services, Request& request) {
  const ImageFilter filter = TRY(read_filter(
      services, request, {"before", "dangling", "label", "label!", "reference", "since", "until"}));
  std::vector<image::Image> images = TRY(image::list_images(services.images.store()));
  std::ranges::stable_sort(images, std::greater(), created_seconds);
  Value answer = Value::array();
  for (image::Image& image : images) {
    if (!matches(filter, image) || !keep_names(filter, image)) continue;
    answer.push(print_image_summary(image, -1, -1));
  }
  return request.reply(200, answer);
}

Result<void> inspect(Services& services, Request& request) {
  const image::Image image = TRY(services.images.inspect(request.name("name")));
  return request.reply(200, print_image(image));
}

Result<void> history(Services& services, Request& request) {
  const image::Image image = TRY(services.images.inspect(request.name("name")));
  std::vector<Value> entries;
  std::size_t layer = 0;
  for (const oci::image::HistoryEntry& made : image.config.history) {
    std::uint64_t size = 0;
    if (!made.empty_layer && layer < image.config.diff_ids.size()) {
      const auto record = TRY(services.images.store().layer(image.config.diff_ids[layer++]));
      if (record) size = record->tar_size;
    }
    const Result<Moment> created = parse_rfc3339(made.created);
    Value entry = Value::object();
    entry.set("Id", "<missing>");
    entry.set("Created",
              created.ok() ? created.value().time_since_epoch().count() / 1'000'000'000 : 0);
    entry.set("CreatedBy", made.created_by);
    entry.set("Tags", nullptr);
    entry.set("Size", size);
    entry.set("Comment", made.comment);
    entries.push_back(std::move(entry));
  }
  if (!entries.empty()) {
    const std::vector<std::string> names = familiar_names(image);
    entries.back().set("Id", image.id().text());
    if (!names.empty()) entries.back().set("Tags", names);
  }
  std::ranges::reverse(entries);
  return request.reply(200, Value(Value::Array(std::move(entries))));
}

Result<void> tag(Services& services, Request& request) {
  const std::string& old_name = request.name("name");
  TRY(services.images.inspect(old_name));
  const std::string repository = request.text("repo");
  const std::string tag = request.text("tag");
  const Reference name = TRY(Reference::parse(tag.empty() ? repository : cat(repository, ":", tag)),
                             "invalid reference format");
  if (name.digest) {
    return fail(ErrorKind::invalid_argument, "refusing to create a tag with a digest reference");
  }
  const image::Image image = TRY(image::tag_image(services.images.store(), old_name, name.text()));
  publish_image_event(services.engine, "tag", image.id().text(), name.familiar());
  return request.reply(201);
}

Result<void> remove(Services& services, Request& request) {
  const std::string& name = request.name("name");
  // One that is damaged can be removed all the same.
  const Result<image::Image> image = services.images.inspect(name);
  if (!image.ok() && image.error().kind() == ErrorKind::not_found) return image.error();
  const image::Force force = request.flag("force") ? image::Force::yes : image::Force::no;
  const image::Removed removed = TRY(
      image::remove_image(services.images.store(), name, services.builder.cache().needs(), force));
  publish_removed(services.engine, removed);
  return request.reply(200, print_removed(removed));
}

Result<void> prune(Services& services, Request& request) {
  const ImageFilter filter =
      TRY(read_filter(services, request, {"dangling", "label", "label!", "until"}));
  const image::Needs needs = services.builder.cache().needs();
  const bool all = filter.dangling == false;
  const bool chooses =
      filter.until || filter.filters.contains("label") || filter.filters.contains("label!");
  ImageFilter others = filter;
  others.dangling.reset();
  const auto is_meant = [&](const image::Image& image) { return matches(others, image); };
  const image::Removed removed = TRY(image::prune(
      services.images.store(), all ? image::Which::unused : image::Which::unnamed, needs,
      image::Blobs::keep, chooses ? std::function<bool(const image::Image&)>(is_meant) : nullptr));
  publish_removed(services.engine, removed);
  const Value list = print_removed(removed);
  Value answer = Value::object();
  answer.set("ImagesDeleted", list == Value::array() ? Value() : list);
  answer.set("SpaceReclaimed", removed.bytes);
  return request.reply(200, answer);
}

Result<void> search(Services&, Request&) {
  return fail(ErrorKind::unsupported, "searching registries is not supported");
}

}  // namespace

void add_images(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"GET", "/images/json", list},
                                  {"GET", "/images/search", search},
                                  {"POST", "/images/prune", prune},
                                  {"GET", "/images/{name*}/json", inspect},
                                  {"GET", "/images/{name*}/history", history},
                                  {"POST", "/images/{name*}/tag", tag},
                                  {"DELETE", "/images/{name*}", remove},
                              });
}

}  // namespace proa::api::docker
