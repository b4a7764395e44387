#include "gui/models/actions.h"

#include <algorithm>
#include <iterator>

namespace pipeloom::gui {

namespace {

constexpr ActionRow kActions[] = {
    {Act::kOpen, "File", "Open...", "Ctrl+O", "open a job, a plan or a trace"},
    {Act::kAddToComparison, "File", "Add to comparison...", "Ctrl+Shift+O",
     "show further plans below this one, on one time axis", Needs::kDocument},
    {Act::kLayTraceOver, "File", "Lay a trace over the plan...", "Ctrl+T",
     "show what was executed below what was planned", Needs::kPlan},
    {Act::kSave, "File", "Save plan", "Ctrl+S", "write the plan to its file", Needs::kPlan},
    {Act::kSaveAs, "File", "Save plan as...", "Ctrl+Shift+S", "write the plan to another file", Needs::kPlan},
    {Act::kExportPicture, "File", "Export picture...", "Ctrl+E", "write what the timeline shows as PNG or SVG",
     Needs::kDocument},
    {Act::kCloseAll, "File", "Close", "Ctrl+W", "back to the start page", Needs::kDocument},
    {Act::kQuit, "File", "Quit", "Ctrl+Q", "leave Pipeloom"},

    {Act::kUndo, "Plan", "Undo", "Ctrl+Z", "take the last change of the plan back", Needs::kChange},
    {Act::kRedo, "Plan", "Redo", "Ctrl+Shift+Z", "do it again", Needs::kUndone},
    {Act::kImprove, "Plan", "Improve", "Ctrl+I", "search a better order in the background", Needs::kPlan},
    {Act::kStop, "Plan", "Stop", "Ctrl+.", "end the search; what it found so far is kept", Needs::kRunning},
    {Act::kMoveComponentLeft, "Plan", "Move component left", "Alt+Left",
     "the chosen component of the selected slot starts before its neighbour", Needs::kPlan},
    {Act::kMoveComponentRight, "Plan", "Move component right", "Alt+Right", "... after its neighbour", Needs::kPlan},

    {Act::kZoomIn, "View", "Zoom in", "W + =", "twice as near, at the pointer", Needs::kDocument},
    {Act::kZoomOut, "View", "Zoom out", "S -", "half as near", Needs::kDocument},
    {Act::kPanLeft, "View", "Pan left", "A Shift+Left", "a fifth of the view back in time", Needs::kDocument},
    {Act::kPanRight, "View", "Pan right", "D Shift+Right", "a fifth of the view on", Needs::kDocument},
    {Act::kFit, "View", "Whole step", "Home 0", "the whole step in one view", Needs::kDocument},
    {Act::kZoomBack, "View", "Last view", "Backspace", "the view before the last zoom", Needs::kDocument},
    {Act::kFocus, "View", "Zoom to selection", "F", "the selected pass, bubble or measured range fills the view",
     Needs::kDocument},

    {Act::kSearch, "Go", "Search", "/ Ctrl+F", "passes and tasks: F12, B of stage 3, attention, rank 4",
     Needs::kDocument},
    {Act::kNextHit, "Go", "Next hit", "F3 N", "the next pass that the search found", Needs::kDocument},
    {Act::kPreviousHit, "Go", "Last hit", "Shift+F3 Shift+N", "the one before", Needs::kDocument},
    {Act::kNextSpan, "Go", "Next on this lane", ". Right", "select what follows on the same lane", Needs::kDocument,
     false, true},
    {Act::kPreviousSpan, "Go", "Previous on this lane", ", Left", "select what comes before on the same lane",
     Needs::kDocument, false, true},
    {Act::kRankAbove, "Go", "Lane above", "Up", "select on the lane above at the same time", Needs::kDocument, false,
     true},
    {Act::kRankBelow, "Go", "Lane below", "Down", "select on the lane below", Needs::kDocument, false, true},
    {Act::kCause, "Go", "Walk to the cause", "[", "select what the selection waited for", Needs::kDocument},
    {Act::kEffect, "Go", "Walk to the effect", "]", "select what waits for the selection", Needs::kDocument},
    {Act::kNextBubble, "Go", "Largest bubbles, one by one", "B", "select the largest bubble, then the next",
     Needs::kPlan},
    {Act::kPeak, "Go", "Fullest moment", "P", "where the memory of the selected rank is fullest", Needs::kPlan},
    {Act::kMark, "Go", "Mark this time", "M", "set a mark at the pointer", Needs::kDocument},
    {Act::kNamedMark, "Go", "Named mark...", "Shift+M", "a mark with a text, kept beside the plan", Needs::kDocument},
    {Act::kClearMarks, "Go", "Remove marks", "Ctrl+M", "remove every mark", Needs::kDocument},

    {Act::kCriticalPath, "View", "Critical path", "C", "fade what does not decide the length of the step", Needs::kPlan,
     true},
    {Act::kColourBy, "View", "Next colouring", "K", "colour by kind, micro-batch, stage or slack in turn",
     Needs::kPlan},
    {Act::kComponents, "View", "Components", "E", "a lane of what passes consist of", Needs::kDocument, true},
    {Act::kCommunication, "View", "Communication", "O", "lanes of communication and of how much of it is hidden",
     Needs::kDocument, true},
    {Act::kTransfers, "View", "Transfers", "T", "a lane of sends between ranks", Needs::kDocument, true},
    {Act::kMemory, "View", "Memory", "Y", "the memory of each rank over time", Needs::kDocument, true},
    {Act::kNormalise, "View", "Same length", "L", "compare shares of the step instead of times", Needs::kSeveral, true},
    {Act::kDark, "View", "Dark colours", "Ctrl+D", "light letters on a dark ground", Needs::kNothing, true},
    {Act::kSelectionPanel, "View", "Selection panel", "Ctrl+1", "what is selected, and the order inside its slot",
     Needs::kNothing, true},
    {Act::kPlanPanel, "View", "Plan panel", "Ctrl+2", "schedule, layout, memory and the split of the SMs",
     Needs::kNothing, true},
    {Act::kTablesPanel, "View", "Tables", "Ctrl+3", "bubbles, passes, ranks, schedules and errors as tables",
     Needs::kNothing, true},

    {Act::kPalette, "Help", "Find an action...", "Ctrl+Shift+P", "every action by its name"},
    {Act::kHelp, "Help", "Keys and mouse", "? F1", "this page"},
};

constexpr MouseRow kMouse[] = {
    {"click", "select a pass, a component, a bubble or a moment of memory"},
    {"drag", "measure a range: its length, and what is busy, idle and hidden in it"},
    {"double click", "zoom to what is below the pointer"},
    {"wheel", "scroll the ranks"},
    {"Ctrl + wheel", "zoom at the pointer"},
    {"Shift + wheel, middle button", "pan"},
    {"minimap", "drag the window, or its edges; click to go there"},
    {"drag a component", "rearrange the slot; only legal places light up, and the new time is shown"},
    {"drop a file", "open it"},
};

}  // namespace

std::span<const ActionRow> action_table() {
  return kActions;
}

const ActionRow& action_row(Act act) {
  return *std::find_if(std::begin(kActions), std::end(kActions), [&](const ActionRow& row) { return row.act == act; });
}

std::span<const MouseRow> mouse_table() {
  return kMouse;
}

}  // namespace pipeloom::gui
