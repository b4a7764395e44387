#include "planner/app/json_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeloom::planner {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(JsonKeys, AreThoseOfTheOuterObject) {
  const JsonBegin begin = begin_of_json(R"( {"a": {"b": [{"c": 1}]}, "d" : ["e", {"f": 2}], "g": "h"} )");
  EXPECT_TRUE(begin.object);
  EXPECT_THAT(begin.keys, ElementsAre("a", "d", "g"));
}

TEST(JsonKeys, AreFoundInATextThatIsCutOffAnywhere) {
  const std::string_view text = R"({"first": 1, "second": {"inner": "x"}, "third": 3})";
  for (size_t size = 0; size < text.size(); ++size) {
    const JsonBegin begin = begin_of_json(text.substr(0, size));
    EXPECT_EQ(begin.json(), size > 0);
    EXPECT_EQ(begin.keys.size(), size <= 8 ? 0U : size <= 21 ? 1U : size <= 46 ? 2U : 3U) << text.substr(0, size);
  }
}

TEST(JsonKeys, AStringIsNoKeyAndHidesBrackets) {
  EXPECT_THAT(begin_of_json(R"({"a": "}{\", \"b\":", "c": 1})").keys, ElementsAre("a", "c"));
}

TEST(JsonKeys, EndWithTheObject) {
  EXPECT_THAT(begin_of_json(R"({"a": 1} {"b": 2})").keys, ElementsAre("a"));
}

TEST(JsonKeys, AListHasNone) {
  const JsonBegin begin = begin_of_json("\n [{\"a\": 1}]");
  EXPECT_TRUE(begin.list);
  EXPECT_THAT(begin.keys, IsEmpty());
}

TEST(JsonKeys, OtherTextsAreNoJson) {
  for (const char* text : {"", "  \n", "layout { pipeline: 4 }", "0F0,0B0", "\"a\": 1", "12"}) {
    EXPECT_FALSE(begin_of_json(text).json()) << text;
  }
}

}  // namespace
}  // namespace pipeloom::planner
