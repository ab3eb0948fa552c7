// GET /proa/v1/doctor: what this host can do, why not more, and how to mend it.
#include "hull/doctor/doctor.h"

#include "api/native/native.h"
#include "api/services.h"

namespace proa::api::native {
namespace {

using json::Value;

const char* word(hull::Health health) {
  switch (health) {
    case hull::Health::good:
      return "good";
    case hull::Health::limited:
      return "limited";
    case hull::Health::missing:
      return "missing";
  }
  return "";
}

Result<void> doctor(Services& services, Request& request) {
  const engine::Options& options = services.engine.options();
  const std::string kernels =
      options.kernels.empty() ? options.programs + "/../kernels" : options.kernels;
  const hull::Diagnosis diagnosis = hull::examine({options.root, options.run, kernels});
  Value body = Value::object();
  body.set("Isolation", diagnosis.isolation);
  Value findings = Value::array();
  for (const hull::Finding& finding : diagnosis.findings) {
    Value one = Value::object();
    one.set("Name", finding.name);
    one.set("Health", word(finding.health));
    one.set("Fact", finding.fact);
    one.set("Cost", finding.cost);
    one.set("Mend", finding.mend);
    findings.push(std::move(one));
  }
  body.set("Findings", std::move(findings));
  return request.reply(200, body);
}

}  // namespace

void add_doctor(Routes& routes) { routes.push_back({"GET", "/proa/v1/doctor", doctor}); }

}  // namespace proa::api::native
