#pragma once

#include <filesystem>
#include <string>

#include "actors/store/store_disk.hpp"

/// What operators do with the store of a node that does not run: `nacre backup`, `nacre restore`,
/// `nacre store check`. All of them throw `store_error`.
namespace nacre {

/// Reads all of it, as a start does, and changes nothing. @returns a line that says what is there
std::string check_store(const std::filesystem::path& folder);

/// Writes a copy, which is a store itself, to a new file.
void back_up_store(const std::filesystem::path& folder, const std::filesystem::path& file);

/// Whether all that was found can be read: what a later version wrote may not be.
void check_contents(const stored_contents& found);

/// Makes a store of a copy, for a node that stands alone or is the first of a cluster: it has what
/// was agreed on, and is a group of its own. What was in the folder before stays beside it under
/// another name. @param identity as it is to be; random @param replace whether something may be
/// there
void restore_store(const std::filesystem::path& file, const std::filesystem::path& folder,
                   const store_identity& identity, bool replace);

} // namespace nacre
