#pragma once

#include <memory>

#include "protocol/service_metadata.hpp"

namespace nacre {

using override_ptr = std::shared_ptr<const instance_override>;

/// What is stored after the change, where `known` was; null if nothing is. Pure, any thread.
std::shared_ptr<instance_override> changed_override(const override_change& change,
                                                    const override_ptr& known);

/// Equal overrides of one change become one object, by a set of this order: an operator mostly says
/// the same of many.
struct override_content_less {
  bool operator()(const override_ptr& a, const override_ptr& b) const;
};

} // namespace nacre
