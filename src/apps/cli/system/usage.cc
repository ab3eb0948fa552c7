// What system df shows.
#include <algorithm>

#include "apps/cli/call.h"
#include "apps/cli/system/show.h"
#include "base/text.h"
#include "client/format/table.h"
#include "client/format/units.h"

namespace proa::cli {
namespace {

using json::Value;

struct Sum {
  std::int64_t count = 0;
  std::int64_t active = 0;
  double size = 0;
  double reclaimable = 0;
};

Value row_of(std::string_view type, const Sum& sum, bool with_share) {
  Value row = Value::object();
  row.set("Type", type);
  row.set("TotalCount", cat(sum.count));
  row.set("Active", cat(sum.active));
  row.set("Size", client::human_size(sum.size));
  std::string reclaimable = client::human_size(sum.reclaimable);
  if (with_share && sum.size > 0) {
    const auto share = static_cast<std::int64_t>(sum.reclaimable * 100 / sum.size);
    reclaimable.append(cat(" (", share, "%)"));
  }
  row.set("Reclaimable", reclaimable);
  return row;
}

Sum images_sum(const Value& usage) {
  Sum sum;
  double used = 0;
  for (const Value& image : list_at(usage, "Images")) {
    ++sum.count;
    if (number_at(image, "Containers") > 0) {
      ++sum.active;
      used += std::max(0.0, real_at(image, "Size") - std::max(0.0, real_at(image, "SharedSize")));
    }
  }
  sum.size = real_at(usage, "LayersSize");
  sum.reclaimable = std::max(0.0, sum.size - used);
  return sum;
}

Sum containers_sum(const Value& usage) {
  Sum sum;
  for (const Value& container : list_at(usage, "Containers")) {
    const std::string state = text_at(container, "State");
    const bool active = state == "running" || state == "paused" || state == "restarting";
    const double size = real_at(container, "SizeRw");
    ++sum.count;
    sum.active += active ? 1 : 0;
    sum.size += size;
    if (!active) sum.reclaimable += size;
  }
  return sum;
}

Sum volumes_sum(const Value& usage) {
  Sum sum;
  for (const Value& volume : list_at(usage, "Volumes")) {
    const Value& data = member_at(volume, "UsageData");
    const double size = std::max(0.0, real_at(data, "Size"));
    const bool active = number_at(data, "RefCount") > 0;
    ++sum.count;
    sum.active += active ? 1 : 0;
    sum.size += size;
    if (!active) sum.reclaimable += size;
  }
  return sum;
}

Sum cache_sum(const Value& usage) {
  Sum sum;
  for (const Value& entry : list_at(usage, "BuildCache")) {
    const double size = flag_at(entry, "Shared") ? 0 : real_at(entry, "Size");
    ++sum.count;
    sum.active += flag_at(entry, "InUse") ? 1 : 0;
    sum.size += size;
    if (!flag_at(entry, "InUse")) sum.reclaimable += size;
  }
  return sum;
}

std::string short_id(const std::string& id) {
  return id.starts_with("sha256:") ? id.substr(7, 12) : id.substr(0, 12);
}

std::string first_text(const Value& value, std::string_view member) {
  const auto& list = list_at(value, member);
  const auto* text = list.empty() ? nullptr : list.front().get_if<std::string>();
  return text == nullptr ? "" : *text;
}

}  // namespace

std::vector<Value> usage_rows(const Value& usage) {
  return {row_of("Images", images_sum(usage), true),
          row_of("Containers", containers_sum(usage), true),
          row_of("Local Volumes", volumes_sum(usage), true),
          row_of("Build Cache", cache_sum(usage), false)};
}

std::string show_usage_in_full(const Value& usage, std::optional<std::size_t> width) {
  const Moment moment = now();
  client::Table images({"NAME", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "CONTAINERS"});
  for (const Value& image : list_at(usage, "Images")) {
    const std::string name = first_text(image, "RepoTags");
    images.add({name.empty() ? "<none>" : name, short_id(text_at(image, "Id")),
                client::human_age(number_at(image, "Created"), moment),
                client::human_size(real_at(image, "Size")),
                client::human_size(std::max(0.0, real_at(image, "SharedSize"))),
                cat(std::max<std::int64_t>(0, number_at(image, "Containers")))});
  }
  client::Table containers({"CONTAINER ID", "IMAGE", "SIZE", "CREATED", "STATUS", "NAMES"});
  for (const Value& container : list_at(usage, "Containers")) {
    std::string name = first_text(container, "Names");
    if (name.starts_with('/')) name.erase(0, 1);
    containers.add({short_id(text_at(container, "Id")), text_at(container, "Image"),
                    client::human_size(real_at(container, "SizeRw")),
                    client::human_age(number_at(container, "Created"), moment),
                    text_at(container, "Status"), name});
  }
  client::Table volumes({"VOLUME NAME", "LINKS", "SIZE"});
  for (const Value& volume : list_at(usage, "Volumes")) {
    const Value& data = member_at(volume, "UsageData");
    volumes.add({text_at(volume, "Name"), cat(number_at(data, "RefCount")),
                 client::human_size(std::max(0.0, real_at(data, "Size")))});
  }
  client::Table cache({"CACHE ID", "TYPE", "SIZE", "DESCRIPTION"});
  for (const Value& entry : list_at(usage, "BuildCache")) {
    cache.add({short_id(text_at(entry, "ID")), text_at(entry, "Type"),
               client::human_size(real_at(entry, "Size")), text_at(entry, "Description")});
  }
  return cat("Images space usage:\n\n", images.print(width), "\nContainers space usage:\n\n",
             containers.print(width), "\nLocal Volumes space usage:\n\n", volumes.print(width),
             "\nBuild cache usage:\n\n", cache.print(width));
}

}  // namespace proa::cli
