#pragma once

#include <QLabel>
#include <QTextBrowser>
#include <QWidget>

#include "gui/models/selection.h"
#include "gui/panels/slot_view.h"

namespace pipeloom::gui {

// What is selected, in words, and the order inside its slot.
class SelectionPanel : public QWidget {
  Q_OBJECT

 public:
  explicit SelectionPanel(Session& session, QWidget* parent = nullptr);

  void show_selection(const Document* document, const std::optional<Selection>& selection);
  void show_description(const Description& description);
  void set_theme(const Theme& theme);
  SlotView& slot_view() { return *slot_view_; }
  QString text() const { return facts_->toPlainText(); }

 Q_SIGNALS:
  void cause_wanted();
  void effect_wanted();

 private:
  const Theme* theme_ = &light_theme();
  Description shown_;
  QTextBrowser* facts_;
  SlotView* slot_view_;
};

}  // namespace pipeloom::gui
