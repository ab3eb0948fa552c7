// The names of images: content/index.json, which says what the store's layout holds. The engine
// and other tools read the same file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/store/store.h"

namespace proa::image {

// Whether a registry is known to have the image under this name.
enum class Origin : std::uint8_t { local, registry };

// One root of the store: what it keeps, and under which name.
struct Entry {
  std::string name;  // Reference::text(); "" for an image that lost its name
  // A manifest or index; `platform` is the one whose manifest and layers are here.
  Descriptor target;
  Origin origin = Origin::local;
};

// Whether both are one image: an index holds one for each platform.
bool is_same_image(const Descriptor& one, const Descriptor& other);

// Errors: corrupt (index.json is damaged)
Result<std::vector<Entry>> read_entries(const Store& store);

// Gives the image the name, taking it from another image; that one stays without a name until it
// is pruned. An image that has an entry gets none without a name. Durable when it returns.
// Thread: any; holds the names lock.
Result<void> set_name(const Store& store, const Entry& entry);

// Takes these entries away, where they still are: a name that came since stays.
Result<void> remove_entries(const Store& store, const std::vector<Entry>& seen);

// Notes that a registry has the image under the name, if the name still means that image.
Result<void> note_origin(const Store& store, const std::string& name, const Descriptor& target);

}  // namespace proa::image
