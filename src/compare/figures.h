// What is measured of a workload in a hull, and what came out: the data that every report is made
// of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace proa::compare {

enum class Better : bool { smaller, larger };

// One thing that is measured. Units are written as people read them.
struct Figure {
  std::string key;    // "start", for JSON
  std::string title;  // "Time to start"
  std::string unit;   // "ms", "MiB", "MB/s"
  Better better = Better::smaller;
  // Speed depends on the emulator where a machine is emulated; sizes do not.
  bool is_speed = true;
  std::string explanation;  // how it is measured, one sentence
};

// What one candidate gave for one figure.
struct Series {
  std::vector<double> samples;  // in the order of the rounds; empty: not measured
  std::string missing;          // why not
};

// A way to run the image: a hull of this engine, or another engine.
struct Candidate {
  std::string name;        // "container", "vm", "docker"
  std::string hypervisor;  // of a VM: "kvm", "hosted"
  bool is_vm = false;
  bool emulated = false;  // without hardware support: no advice about speed is drawn from it
};

// What isolation gives, asked from inside.
struct Isolation {
  std::string kernel;  // the release that the workload sees
  bool own_kernel = false;
  unsigned system_calls = 0;            // that answer
  unsigned capabilities = 0;            // in the bounding set
  bool host_root = false;               // root inside is root of the host
  std::vector<std::string> namespaces;  // that are the workload's own
};

struct Outcome {
  Candidate candidate;
  std::vector<Series> series;  // by figure
  std::optional<Isolation> isolation;
  std::string failure;  // why it could not run at all
};

struct Sizes {
  std::uint64_t transfer = 0;                 // bytes a pull moves
  std::uint64_t store = 0;                    // bytes of layer files on disk
  std::optional<std::uint64_t> classic_disk;  // of a VM disk of the same application
};

struct Comparison {
  std::string image, host_kernel, when;
  std::vector<Figure> figures;
  std::vector<Outcome> outcomes;
  Sizes sizes;
  unsigned rounds = 0;
  unsigned instances = 1;  // of the density figures
  bool settled = false;    // each interval lies within 10 %
  std::vector<std::string> needs;
};

}  // namespace proa::compare
