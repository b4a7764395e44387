// The window as people see it, in both colours and two sizes. With PIPELOOM_SHOTS=FOLDER the pictures are kept, to be
// looked at; without, it is enough that none of them is empty.
#include <gtest/gtest.h>

#include <QScrollBar>

#include "tests/gui/window.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

struct Look {
  QSize size;
  bool dark = false;
};

class Screenshots : public testing::TestWithParam<Look> {
 protected:
  QString name(const char* what) const {
    return QString("%1-%2x%3-%4")
        .arg(what)
        .arg(GetParam().size.width())
        .arg(GetParam().size.height())
        .arg(GetParam().dark ? "dark" : "light");
  }
};

TEST_P(Screenshots, StartPage) {
  tests::TestWindow window(GetParam().size, GetParam().dark);
  window.shoot(name("start"));
  EXPECT_TRUE(window->shows_start_page());
}

TEST_P(Screenshots, Timeline) {
  tests::TestWindow window(GetParam().size, GetParam().dark);
  window.open_sample("samples/deepseek-v3.txtpb");
  window.shoot(name("timeline"));
  window.press(Act::kNextBubble);
  window.shoot(name("bubble"));
  window->timeline().show_window({2.0e9, 2.6e9, 1});
  window->perform(Act::kComponents);
  window->timeline().select(selection_of_slot(window.document(), 0, window.document().schedule()->first_slot(3) + 40),
                            true);
  QTest::qWait(20);
  window.shoot(name("chunk"));
  window->perform(Act::kPlanPanel);
  QTest::qWait(1200);
  window.shoot(name("plan"));
  EXPECT_FALSE(window->shows_start_page());
}

TEST_P(Screenshots, Comparison) {
  const tests::TempFolder folder;
  tests::TestWindow window(GetParam().size, GetParam().dark);
  QStringList paths;
  for (const char* schedule : {"1f1b", "zb-h1", "dualpipe"}) {
    paths.append(
        QString::fromStdString(tests::plan_file(folder.path(std::string(schedule) + ".plan"), schedule, 4, 8)));
  }
  window.open(paths);
  window->tables().setCurrentIndex(TablesPanel::kComparison);
  window.shoot(name("compare"));
  EXPECT_EQ(window->session().documents().size(), 3u);
}

TEST_P(Screenshots, Overlay) {
  const tests::TempFolder folder;
  const std::string plan = tests::plan_file(folder.path("run.plan"), "zb-h1", 4, 8);
  tests::TestWindow window(GetParam().size, GetParam().dark);
  window.open({QString::fromStdString(plan)});
  window->session().lay_trace_over(QString::fromStdString(tests::trace_file(plan, folder.path("run.trace"))));
  window.wait_until_idle();
  window->tables().setCurrentIndex(TablesPanel::kErrors);
  window.shoot(name("overlay"));
  EXPECT_NE(window.document().diff, nullptr);
}

INSTANTIATE_TEST_SUITE_P(All, Screenshots,
                         testing::Values(Look{{1280, 720}, false}, Look{{1280, 720}, true}, Look{{1920, 1080}, false},
                                         Look{{1920, 1080}, true}));

}  // namespace
}  // namespace pipeloom::gui
