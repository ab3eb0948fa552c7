// The commands about containers.
#pragma once

#include "apps/cli/command.h"

namespace proa::cli {

extern const Command kRun, kCreate, kStart, kStop, kRestart, kKill, kRemove, kPause, kUnpause,
    kWait, kRename, kUpdate, kList, kLogs, kExec, kAttach, kInspect, kContainerInspect,
    kTopProcesses, kStats, kPort, kDiff, kCopy, kExport, kCommit, kContainerPrune;

}  // namespace proa::cli
