#pragma once

#include <string>

namespace nacre {

/// The first IPv4 address of an interface that is up and not loopback, lowest index first;
/// 127.0.0.1 if there is none (Nacos `InetUtils`).
std::string first_own_ip();

} // namespace nacre
