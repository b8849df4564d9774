#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/store/store_disk.hpp"

struct sqlite3;

namespace nacre {

/// Another process, most likely a node, has the file.
struct store_in_use : store_error {
  using store_error::store_error;
};

/// The store in `store.db` of a folder: one SQLite database in WAL mode, each commit synchronised.
/// Every value carries a checksum. The file is locked as long as this lives.
///
/// A folder that another process uses, that a later version wrote or that is damaged is refused
/// with a `store_error`, and left as it is.
class sqlite_disk final : public store_disk {
public:
  /// Creates the database if there is none. @throws store_error
  explicit sqlite_disk(const std::string& folder);
  ~sqlite_disk() override;

  std::optional<stored_contents> load() override;
  void found(const store_identity& identity, const raft::membership& members) override;
  void write(const raft::disk_round& round) override;
  void write_state_part(const raft::state_image& state, std::size_t part) override;
  std::size_t state_parts(const raft::state_image& state) const override;
  std::string copy() const override;
  std::uint64_t size() const override;

  /// Writes a copy of the database, as of now, to a new file. @throws store_error
  void copy_to(const std::string& file) const;

private:
  struct close_database {
    void operator()(sqlite3* x) const;
  };

  void open();
  void create();
  void run(const char* sql) const;
  template <class Work>
  void transaction(Work work);
  void put_meta(const char* key, const std::string& value);
  std::optional<std::string> meta(const char* key) const;

  std::uint64_t marked_count() const;
  std::optional<stored_contents> load_checked();
  std::string load_state(std::uint64_t generation, std::uint64_t size) const;
  std::vector<raft::entry> load_entries(raft::position base) const;

  void put_part(const raft::state_image& state, std::size_t part, std::uint64_t generation);
  /// The state counts from here on, and what was before it ends.
  void install(const raft::state_image& state, std::uint64_t generation);

  /// What changes with every transaction.
  struct progress {
    std::uint64_t count = 0;
    raft::vote_state vote;
    std::uint64_t last_index = 0;
    std::uint64_t commit = 0;
  };

  const std::string file_;
  std::unique_ptr<sqlite3, close_database> database_;
  int mark_ = -1;
  progress progress_;
  /// Of the state that counts; one that is being written has the next.
  std::uint64_t generation_ = 0;
};

} // namespace nacre
