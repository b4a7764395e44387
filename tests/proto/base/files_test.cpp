#include "proto/base/files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/temp_folder.h"

namespace pipeloom::proto {
namespace {

using tests::content_of;
using tests::TempFolder;

TEST(Files, ReadsBackWhatWasWritten) {
  const tests::TempFolder folder;
  std::string content(3'000'000, 'x');
  content[1'234'567] = '\0';
  ASSERT_TRUE(write_file_atomically(folder.path("a"), content).has_value());
  EXPECT_TRUE(read_file(folder.path("a")).value() == content);
  EXPECT_EQ(folder.listing(), "a");
}

TEST(Files, ReadingNamesAMissingFile) {
  const auto content = read_file("/nonexistent/job.txtpb");
  ASSERT_FALSE(content.has_value());
  EXPECT_EQ(content.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(content.error().message, "can't read /nonexistent/job.txtpb: No such file or directory");
}

TEST(Files, ReadingRefusesAFolder) {
  const tests::TempFolder folder;
  const auto content = read_file(folder.path("."));
  ASSERT_FALSE(content.has_value());
  EXPECT_EQ(content.error().message, "can't read " + folder.path(".") + ": Is a directory");
}

TEST(Files, ReadingSaysWhatIsUnreadable) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const tests::TempFolder folder;
  const std::string path = folder.file("a", "x");
  chmod(path.c_str(), 0);
  EXPECT_EQ(read_file(path).error().message, "can't read " + path + ": Permission denied");
}

TEST(Files, ReadingRefusesWhatIsTooLargeWithoutReadingIt) {
  const tests::TempFolder folder;
  const std::string path = folder.file("huge.plan", "");
  std::filesystem::resize_file(path, uintmax_t{5} << 30);  // sparse: takes no room
  const auto content = read_file(path);
  ASSERT_FALSE(content.has_value());
  EXPECT_NE(content.error().message.find("is too large; allowed are files of less than 2 GiB"), std::string::npos)
      << content.error().message;
}

TEST(Files, ReadsWhatHasNoSize) {
  const tests::TempFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const std::string written(200'000, 'x');
  std::thread writer([&] { std::ofstream(path) << written; });
  const auto content = read_file(path);
  writer.join();
  ASSERT_TRUE(content.has_value());
  EXPECT_TRUE(*content == written);
}

TEST(Files, WritingNamesAMissingFolder) {
  const auto status = write_file_atomically("/nonexistent/plan.pb", "x");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "can't write /nonexistent/plan.pb: No such file or directory");
}

// /proc takes no new files, not even from root.
TEST(Files, WritingSaysThatAFolderIsUnwritable) {
  const auto status = write_file_atomically("/proc/self/task/plan.pb", "x");
  ASSERT_FALSE(status.has_value());
  EXPECT_TRUE(status.error().message.starts_with("can't write /proc/self/task/plan.pb: ")) << status.error().message;
}

TEST(Files, WritingRefusesAFolder) {
  const tests::TempFolder folder;
  EXPECT_EQ(write_file_atomically(folder.path("."), "x").error().message,
            "can't write " + folder.path(".") + ": Is a directory");
}

TEST(Files, WritingKeepsPermissions) {
  const tests::TempFolder folder;
  const std::string path = folder.file("a", "old");
  chmod(path.c_str(), 0640);
  ASSERT_TRUE(write_file_atomically(path, "new").has_value());
  struct stat now = {};
  stat(path.c_str(), &now);
  EXPECT_EQ(now.st_mode & 07777, 0640u);
  EXPECT_EQ(tests::content_of(path), "new");
}

TEST(Files, WritingThroughALinkKeepsTheLink) {
  const tests::TempFolder folder;
  const std::string target = folder.file("target", "old");
  std::filesystem::create_symlink(target, folder.path("link"));
  ASSERT_TRUE(write_file_atomically(folder.path("link"), "new").has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  EXPECT_EQ(tests::content_of(target), "new");
}

// The largest file that this process may write, as long as this object lives: a disk that is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_ = {};
  void (*handler_)(int);
};

TEST(Files, AFailedWriteLeavesTheOldFile) {
  const tests::TempFolder folder;
  const std::string path = folder.file("a", "old");
  {
    const FileSizeLimit limit(1000);
    EXPECT_EQ(write_file_atomically(path, std::string(5000, 'x')).error().message,
              "can't write " + path + ": File too large");
  }
  EXPECT_EQ(tests::content_of(path), "old");
  EXPECT_EQ(folder.listing(), "a");
}

TEST(Files, AnAbandonedFileLeavesNothing) {
  const tests::TempFolder folder;
  {
    auto file = AtomicFile::create(folder.path("a"));
    ASSERT_TRUE(file->append("x").has_value());
  }
  EXPECT_EQ(folder.listing(), "");
}

}  // namespace
}  // namespace pipeloom::proto
