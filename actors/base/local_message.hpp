#pragma once

#include <type_traits>

#include <caf/allowed_unsafe_message_type.hpp>

namespace nacre {

/// Actors of one process may send each other every type of this namespace as it is: messages carry
/// shared immutable values, and nothing is serialized. Never called; found by the argument's
/// namespace.
template <class T>
void stays_in_process(const T&);

} // namespace nacre

template <class T>
requires requires(const T& x) { stays_in_process(x); }
struct caf::allowed_unsafe_message_type<T> : std::true_type {};
