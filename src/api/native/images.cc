// The image store's own affairs, which Docker has no word for: damage, and what takes which room.
#include "api/native/native.h"
#include "api/services.h"
#include "image/store/collect.h"
#include "image/store/verify.h"

namespace proa::api::native {
namespace {

using json::Value;

// GET /proa/v1/images/verify
Result<void> verify(Services& services, Request& request) {
  const std::vector<image::Damage> damages =
      TRY(image::verify(services.images.store(), services.images.settings()));
  Value list = Value::array();
  for (const image::Damage& damage : damages) {
    Value entry = Value::object();
    entry.set("Path", damage.path);
    entry.set("What", damage.what);
    list.push(std::move(entry));
  }
  Value answer = Value::object();
  answer.set("Damages", std::move(list));
  return request.reply(200, answer);
}

// POST /proa/v1/images/prune-blobs
Result<void> prune_blobs(Services& services, Request& request) {
  const image::Removed removed =
      TRY(image::prune(services.images.store(), image::Which::unnamed,
                       services.builder.cache().needs(), image::Blobs::drop));
  Value answer = Value::object();
  answer.set("SpaceReclaimed", removed.bytes);
  return request.reply(200, answer);
}

// GET /proa/v1/images/df
Result<void> usage(Services& services, Request& request) {
  const image::DiskUsage usage = TRY(image::disk_usage(services.images.store()));
  Value images = Value::array();
  for (const image::DiskUsage::PerImage& image : usage.images) {
    Value entry = Value::object();
    entry.set("Id", image.id.text());
    entry.set("Bytes", image.bytes);
    entry.set("SharedBytes", image.shared);
    images.push(std::move(entry));
  }
  Value answer = Value::object();
  answer.set("BlobBytes", usage.blobs);
  answer.set("LayerBytes", usage.layers);
  answer.set("ReclaimableBytes", usage.reclaimable);
  answer.set("Images", std::move(images));
  return request.reply(200, answer);
}

}  // namespace

void add_images(Routes& routes) {
  routes.push_back({"GET", "/proa/v1/images/verify", verify});
  routes.push_back({"POST", "/proa/v1/images/prune-blobs", prune_blobs});
  routes.push_back({"GET", "/proa/v1/images/df", usage});
}

}  // namespace proa::api::native
