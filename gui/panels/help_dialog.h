#pragma once

#include <QDialog>
#include <QString>

#include "gui/models/actions.h"

namespace pipeloom::gui {

// Keys and mouse, made from the action table.
QString help_html();

class HelpDialog : public QDialog {
  Q_OBJECT

 public:
  explicit HelpDialog(QWidget* parent = nullptr);
};

// Every action by its name: type, choose, Enter.
class CommandPalette : public QDialog {
  Q_OBJECT

 public:
  explicit CommandPalette(QWidget* parent = nullptr);

 Q_SIGNALS:
  void chosen(Act act);
};

}  // namespace pipeloom::gui
