#include "gui/panels/style.h"

#include <QPalette>
#include <QStyleFactory>

namespace pipeloom::gui {

namespace {

QPalette palette_of(const Theme& theme) {
  QPalette palette;
  palette.setColor(QPalette::Window, theme.window);
  palette.setColor(QPalette::WindowText, theme.text);
  palette.setColor(QPalette::Base, theme.base);
  palette.setColor(QPalette::AlternateBase, theme.raised);
  palette.setColor(QPalette::Text, theme.text);
  palette.setColor(QPalette::PlaceholderText, theme.muted);
  palette.setColor(QPalette::Button, theme.raised);
  palette.setColor(QPalette::ButtonText, theme.text);
  palette.setColor(QPalette::ToolTipBase, theme.raised);
  palette.setColor(QPalette::ToolTipText, theme.text);
  palette.setColor(QPalette::Highlight, theme.accent);
  palette.setColor(QPalette::HighlightedText, theme.accent_text);
  palette.setColor(QPalette::Link, theme.accent);
  palette.setColor(QPalette::Mid, theme.border);
  palette.setColor(QPalette::Light, theme.raised);
  palette.setColor(QPalette::Dark, theme.border);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    palette.setColor(QPalette::Disabled, role, QColor::fromRgb(mixed(theme.muted.rgb(), theme.window.rgb(), 0.35)));
  }
  return palette;
}

constexpr const char* kSheet = R"(
QMainWindow::separator { background: %border; width: 1px; height: 1px; }
QMenuBar { background: %window; border-bottom: 1px solid %border; padding: 2px 6px; }
QMenuBar::item { padding: 4px 10px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: %border; }
QMenu { background: %raised; border: 1px solid %border; padding: 4px; }
QMenu::item { padding: 5px 28px 5px 24px; border-radius: 4px; }
QMenu::item:selected { background: %accent; color: %on_accent; }
QMenu::item:disabled { color: %muted; }
QMenu::separator { height: 1px; background: %border; margin: 4px 8px; }
QToolBar { background: %window; border: none; border-bottom: 1px solid %border; padding: 4px 8px; spacing: 4px; }
QToolBar::separator { background: %border; width: 1px; margin: 5px 6px; }
QToolButton { padding: 4px 10px; border-radius: 5px; border: 1px solid transparent; background: transparent; }
QToolButton:hover { background: %raised; border-color: %border; }
QToolButton:checked { background: %accent; color: %on_accent; }
QToolButton:disabled { color: %muted; }
QPushButton { padding: 5px 14px; border-radius: 5px; border: 1px solid %border; background: %raised; }
QPushButton:hover { border-color: %accent; }
QPushButton:focus { border: 1px solid %accent; }
QPushButton:default { background: %accent; color: %on_accent; border-color: %accent; }
QPushButton:disabled { color: %muted; }
QLineEdit#search { padding: 3px 8px; border: 1px solid %border; border-radius: 5px; background: %base; min-height: 18px; }
QLineEdit#search:focus { border-color: %accent; }
QDockWidget { font-weight: bold; }
QDockWidget::title { background: %window; padding: 7px 12px; border-bottom: 1px solid %border; }
QTabWidget::pane { border: none; border-top: 1px solid %border; }
QTabBar::tab { padding: 6px 14px; background: transparent; border: none; border-bottom: 2px solid transparent; color: %muted; }
QTabBar::tab:selected { color: %text; border-bottom-color: %accent; }
QTabBar::tab:hover { color: %text; }
QTableView { border: none; background: %base; alternate-background-color: %raised; gridline-color: %border;
  selection-background-color: %accent; selection-color: %on_accent; }
QTableView::item { padding: 2px 12px; }
QHeaderView { background: %window; }
QHeaderView::section { background: %window; color: %muted; padding: 5px 7px; border: none; border-bottom: 1px solid %border; }
QStatusBar { background: %window; border-top: 1px solid %border; color: %muted; }
QStatusBar::item { border: none; }
QScrollBar:vertical { background: %base; width: 12px; margin: 0; }
QScrollBar:horizontal { background: %base; height: 12px; margin: 0; }
QScrollBar::handle { background: %border; border-radius: 4px; margin: 2px; min-height: 24px; min-width: 24px; }
QScrollBar::handle:hover { background: %muted; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QScrollArea, QTextBrowser { border: none; background: %base; }
QToolTip { background: %raised; color: %text; border: 1px solid %border; padding: 4px; }
QProgressBar { border: 1px solid %border; border-radius: 4px; background: %base; max-height: 8px; }
QProgressBar::chunk { background: %accent; border-radius: 3px; }
QFrame#card { background: %raised; border: 1px solid %border; border-radius: 8px; }
QFrame#card:hover, QFrame#card:focus { border: 1px solid %accent; }
QLabel#title { font-size: 26px; font-weight: bold; }
QLabel#section { font-weight: bold; }
QLabel#muted { color: %muted; }
QFrame#message { background: %bad; border-radius: 6px; }
QFrame#message QLabel { color: %on_bad; }
QFrame#message QToolButton { color: %on_bad; }
)";

}  // namespace

void apply_theme(QApplication& application, const Theme& theme) {
  application.setStyle(QStyleFactory::create("Fusion"));
  application.setPalette(palette_of(theme));
  QString sheet = kSheet;
  const std::pair<const char*, QColor> names[] = {{"%on_accent", theme.accent_text},
                                                  {"%on_bad", theme.dark ? QColor(0x14171c) : QColor(0xffffff)},
                                                  {"%window", theme.window},
                                                  {"%raised", theme.raised},
                                                  {"%border", theme.border},
                                                  {"%accent", theme.accent},
                                                  {"%muted", theme.muted},
                                                  {"%base", theme.base},
                                                  {"%text", theme.text},
                                                  {"%bad", theme.bad}};
  for (const auto& [name, colour] : names) sheet.replace(name, colour.name());
  application.setStyleSheet(sheet);
}

bool prefers_dark(const QPalette& palette) {
  return palette.color(QPalette::Window).lightness() < 128;
}

}  // namespace pipeloom::gui
