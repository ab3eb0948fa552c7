// The commands about volumes, networks and the engine itself.
#pragma once

#include "apps/cli/command.h"

namespace proa::cli {

extern const Command kVolumeCreate, kVolumeList, kVolumeInspect, kVolumeRemove, kVolumePrune;
extern const Command kNetworkCreate, kNetworkList, kNetworkInspect, kNetworkRemove, kNetworkPrune,
    kNetworkConnect, kNetworkDisconnect;
extern const Command kVersion, kInfo, kEvents, kSystemUsage, kSystemPrune;
extern const Command kDoctor;
extern const Command kCompletion, kComplete;

}  // namespace proa::cli
