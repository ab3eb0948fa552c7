// A comparison for people and programs: a table, JSON, and one self-contained page with plots.
// Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "compare/advice.h"
#include "compare/figures.h"

namespace proa::compare {

std::string print_table(const Comparison& comparison, const Advice& advice);
json::Value to_json(const Comparison& comparison, const Advice& advice);
// Needs no network; readable light and dark, wide and narrow.
std::string print_page(const Comparison& comparison, const Advice& advice);

}  // namespace proa::compare
