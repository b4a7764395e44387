// The command and the window refuse the same files with the same words.
#include <gtest/gtest.h>

#include "gui/models/document.h"
#include "tests/gui/window.h"
#include "tests/planner/app/files.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

struct BadFile {
  const char* name;
  std::string content;
};

std::string refusal_of_window(const std::string& path) {
  const auto document = open_document(path, {});
  return document ? "opened" : document.error().message;
}

std::string refusal_of_command(const std::string& command, const std::string& path) {
  const auto result = tests::run_command({command, path});
  if (result.code == 0) return "opened";
  const std::string before = "pipeloom: ";
  EXPECT_TRUE(result.err.starts_with(before)) << result.err;
  return result.err.substr(before.size(), result.err.size() - before.size() - 1);
}

TEST(SameRefusal, OfWhatIsNoGoodSubject) {
  const tests::TempFolder folder;
  const std::string plan = tests::plan_bytes();
  const BadFile files[] = {
      {"empty.plan", ""},
      {"noise.plan", std::string(500, '\x5a')},
      {"cut.plan", plan.substr(0, plan.size() / 2)},
      {"noise", std::string(500, '\x5a')},
      {"mistake.txtpb", "layout { pipeline: 0 } costs { f_ms: 1 } micro_batches: 4"},
      {"unknown.txtpb", "wings: 2"},
      {"schedule.txtpb",
       "layout { pipeline: 4 } micro_batches: 8 costs { f_ms: 1 i_ms: 1 w_ms: 1 } "
       "schedule { name: \"1f2b\" }"},
      {"cant.txtpb",
       "layout { pipeline: 4 } micro_batches: 3 costs { f_ms: 1 i_ms: 1 w_ms: 1 } "
       "schedule { name: \"dualpipe\" }"},
      {"bracket.json", "{"},
      {"json.txtpb", R"({"layout": {"pipeline": 4}})"},
      {"packed.json.gz", tests::gzipped(R"({"layout": {"pipeline": 4}})")},
      {"config.json", R"({"model_type": "llama"})"},
      {"train.sh", "#!/bin/bash\ntorchrun pretrain_gpt.py\n"},
      {"cell.csv", "0F0,0X0\n"},
      {"order.csv", "0B0,0F0\n"},
  };
  for (const BadFile& file : files) {
    const std::string path = folder.file(file.name, file.content);
    const std::string window = refusal_of_window(path);
    EXPECT_NE(window, "opened") << file.name;
    for (const char* command : {"show", "simulate", "explain", "order"}) {
      // A command alone says fewer kinds where it expects fewer.
      const std::string said = refusal_of_command(command, path);
      const std::string expected = "; expected ";
      EXPECT_EQ(said.substr(0, said.find(expected)), window.substr(0, window.find(expected))) << command;
    }
  }
  const std::string missing = folder.path("missing.plan");
  EXPECT_EQ(refusal_of_command("show", missing), refusal_of_window(missing));
  EXPECT_EQ(refusal_of_command("show", folder.path("")), refusal_of_window(folder.path("")));
}

TEST(SameRefusal, OfARunWithoutKernels) {
  const tests::TempFolder folder;
  const std::string run = folder.file("run.json", R"({"traceEvents": []})");
  EXPECT_EQ(refusal_of_command("import", run), refusal_of_window(run));
}

TEST(SameRefusal, OfTracesOfAnotherPlan) {
  const tests::TempFolder folder;
  const std::string plan = folder.file("a.plan", tests::plan_bytes());
  const auto document = open_document(plan, {});
  ASSERT_TRUE(document) << document.error().message;
  const BadFile files[] = {
      {"a.csv", "0F0,0B0\n"}, {"b.trace", "noise"}, {"b.json", R"({"layout": {}})"}, {"c.json", R"({"traceEvents": [
    {"ph":"X","cat":"user_annotation","name":"PP:5F9","pid":0,"tid":7,"ts":0,"dur":2000}]})"}};
  for (const BadFile& file : files) {
    const std::string path = folder.file(file.name, file.content);
    const auto laid = with_trace(**document, path);
    ASSERT_FALSE(laid) << file.name;
    EXPECT_EQ(tests::run_command({"diff", plan, path}).err, "pipeloom: " + laid.error().message + "\n") << file.name;
  }
}

TEST(SameRefusal, ToSaveWhatIsNoGoodPlan) {
  const tests::TempFolder folder;
  tests::TestWindow window;
  window.open_sample("samples/learning.txtpb");
  const std::string path = folder.path("mine.json");
  window->session().save(QString::fromStdString(path));
  window.wait_until_idle();
  const auto result = tests::run_command({"plan", "--ranks", "4", "--micro-batches", "8", "-o", path});
  EXPECT_EQ(result.err, "pipeloom: " + window->message().toStdString() + "\n");
  EXPECT_EQ(folder.listing(), "");
}

}  // namespace
}  // namespace pipeloom::gui
