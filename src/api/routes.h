// All that the API answers. Every resource's file adds its own rows.
#pragma once

#include "api/route/router.h"

namespace proa::api {

Routes all_routes();

}  // namespace proa::api
