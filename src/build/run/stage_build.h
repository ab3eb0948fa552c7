// One stage carried out: its instructions one after the other, each layer looked up or made.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "build/plan/image_config.h"
#include "build/plan/stages.h"
#include "build/run/copy.h"
#include "build/run/session.h"

namespace proa::build {

// What a stage is when it is finished, and what the next one starts from.
struct StageResult {
  oci::image::Config config;  // without the layers' digests
  Layers layers;
  Variables arguments;  // ARGs, which stages from this one inherit; an image has none
};

// What the stages of a build ask it for.
struct BuildInputs {
  const Source& source;  // the Dockerfile
  const Stages& stages;
  char escape = '\\';
  const Tree* context = nullptr;  // absent where there is none
  std::string context_path;       // of a directory on this host
  std::string total;              // how many stages are built, for titles
  // Waits for an earlier stage.
  std::function<Result<StageResult>(int stage)> stage_result;
  // An image as the start of a stage, pulled where it is missing.
  std::function<Result<StageResult>(const std::string& name)> image_result;
};

// Thread: one at a time; stages run side by side on threads of their own.
class StageBuild {
 public:
  StageBuild(Session& session, const BuildInputs& inputs, const Stage& stage)
      : session_(session), inputs_(inputs), stage_(stage) {}

  Result<StageResult> run();
  // Looks for all faults that can be known before anything runs: flags, counts of words, and
  // whatever depends on no variable. For a StageBuild of its own.
  //
  // Errors: invalid_argument with the place
  Result<void> check();

 private:
  struct Outcome {
    std::string text;  // of the history
    bool has_layer = false;
  };
  // What one --from or its absence stands for.
  struct From {
    std::string key;  // names it for the cache, by content
    Layers layers;    // unless it is the context
    bool is_context = false;
  };

  Result<void> begin();
  Result<void> run_triggers();
  Result<void> carry_out(const Node& node, const Source& source);
  Result<Outcome> dispatch(const Instruction& instruction);
  Result<Outcome> argument(const Instruction& instruction);
  Result<Outcome> working_directory(const Instruction& instruction);
  Result<Outcome> copy(const Instruction& instruction);
  Result<Outcome> run_command(const Instruction& instruction);
  std::string title(const Instruction& instruction) const;

  // Adds the layer that `make` writes, or that the cache has for `description`; false where there
  // was nothing to write.
  Result<bool> add_layer(const Instruction& instruction, const std::string& description,
                         const std::function<Result<std::optional<Layer>>(int step)>& make);
  Result<From> source_of(const Instruction& instruction, const std::string& from);
  struct CopyFlags;
  Result<CopyFlags> copy_flags(const Instruction& instruction);
  Result<std::vector<CopySource>> sources_of(const Instruction& instruction, const CopyFlags& flags,
                                             const From& from);
  Result<std::string> digest_of_sources(const Instruction& instruction, const CopyFlags& flags,
                                        const From& from, std::vector<CopySource>& sources);
  Result<Layer> write_copied(const Instruction& instruction, const CopyFlags& flags,
                             std::vector<CopySource> sources);

  struct Command;
  Result<void> check_copy(const Instruction& instruction);
  Result<void> check_command(const Instruction& instruction);
  Result<Command> command_of(const Instruction& instruction);
  bool allows(std::string_view right) const;
  Result<void> choose_network(const Instruction& instruction, const std::string& wanted,
                              Command& out) const;
  Result<std::string> describe_mounts(const Instruction& instruction, const Command& command);
  // A part of the context as a layer, and where in it the part lies.
  struct ContextLayer {
    Layer layer;
    std::string source;
  };
  Result<ContextLayer> context_layer(const std::string& source);
  Result<Layer> run_in_step(const Instruction& instruction, const Command& command, int step);

  Session& session_;
  const BuildInputs& inputs_;
  const Stage& stage_;
  StageConfig config_;
  oci::image::Config image_;
  Layers layers_;
  int number_ = 0;  // of the instruction, for titles
  std::size_t count_ = 0;
};

}  // namespace proa::build
