#pragma once

#include <span>

namespace pipeloom::gui {

// Everything that the window can be told to do. One table of them feeds menus, shortcuts, the command palette, the help
// page and the tests.
enum class Act {
  kOpen,
  kAddToComparison,
  kLayTraceOver,
  kSave,
  kSaveAs,
  kExportPicture,
  kCloseAll,
  kQuit,
  kUndo,
  kRedo,
  kImprove,
  kStop,
  kMoveComponentLeft,
  kMoveComponentRight,
  kZoomIn,
  kZoomOut,
  kPanLeft,
  kPanRight,
  kFit,
  kZoomBack,
  kFocus,
  kSearch,
  kNextHit,
  kPreviousHit,
  kMark,
  kNamedMark,
  kClearMarks,
  kNextSpan,
  kPreviousSpan,
  kRankAbove,
  kRankBelow,
  kCause,
  kEffect,
  kNextBubble,
  kPeak,
  kCriticalPath,
  kColourBy,
  kComponents,
  kCommunication,
  kTransfers,
  kMemory,
  kNormalise,
  kDark,
  kSelectionPanel,
  kPlanPanel,
  kTablesPanel,
  kPalette,
  kHelp,
};

// When an action is enabled.
enum class Needs { kNothing, kDocument, kPlan, kSeveral, kChange, kUndone, kRunning };

struct ActionRow {
  Act act;
  const char* menu;  // "File", "Edit", "Go", "View", "Plan", "Help"
  const char* name;
  const char* keys;  // QKeySequence, several separated by spaces; the first is shown in the menu
  const char* help;
  Needs needs = Needs::kNothing;
  bool checkable = false;
  // The keys act while the timeline has the focus, and not, say, in a table, where arrows move the current row.
  bool timeline_keys = false;
};
std::span<const ActionRow> action_table();
const ActionRow& action_row(Act act);

// What the mouse does, for the help page.
struct MouseRow {
  const char* gesture;
  const char* help;
};
std::span<const MouseRow> mouse_table();

}  // namespace pipeloom::gui
