#include "core/base/printable.h"

#include <gtest/gtest.h>

namespace pipeloom {
namespace {

using namespace std::string_literals;

TEST(Printable, LeavesTextAsItIs) {
  for (const char* text : {"", "DeepSeek-V3 on 2048 H800", "größer → 四\xf0\x9f\x98\x80", "C:\\folder", "a\tb\nc"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, EscapesWhatATerminalObeys) {
  EXPECT_EQ(printable("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(printable("a\rb\x08\x7f"),
            "a\\x0d"
            "b\\x08\\x7f");
  EXPECT_EQ(printable("zero \0 byte"s), "zero \\x00 byte");
  // The same sequence as one character of ISO 8859, in UTF-8 and as a bare byte.
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");
  // Turns the direction of writing.
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\u202e");
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("cut \xe2\x86"), "cut \\xe2\\x86");
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");                    // too long for a zero
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // half of a pair
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above the last character
}

TEST(Printable, NamesAreOnOneLine) {
  EXPECT_EQ(printable_name("a\tb\nstep 1   loss 0"), "a\\tb\\nstep 1   loss 0");
}

}  // namespace
}  // namespace pipeloom
