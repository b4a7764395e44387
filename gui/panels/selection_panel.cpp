#include "gui/panels/selection_panel.h"

#include <QHBoxLayout>
#include <QPushButton>
#include <QVBoxLayout>

namespace pipeloom::gui {

SelectionPanel::SelectionPanel(Session& session, QWidget* parent) : QWidget(parent) {
  facts_ = new QTextBrowser;
  facts_->setObjectName("facts");
  facts_->setAccessibleName("Selection");
  facts_->setOpenLinks(false);
  facts_->document()->setDocumentMargin(8);
  auto* cause = new QPushButton("[  cause");
  cause->setToolTip("select what it waited for");
  connect(cause, &QPushButton::clicked, this, &SelectionPanel::cause_wanted);
  auto* effect = new QPushButton("effect  ]");
  effect->setToolTip("select what waits for it");
  connect(effect, &QPushButton::clicked, this, &SelectionPanel::effect_wanted);
  auto* buttons = new QHBoxLayout;
  buttons->setContentsMargins(12, 6, 12, 8);
  buttons->setSpacing(8);
  buttons->addWidget(cause);
  buttons->addWidget(effect);
  buttons->addStretch();
  slot_view_ = new SlotView(session);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(facts_, 1);
  column->addLayout(buttons);
  column->addWidget(slot_view_);
  setMinimumWidth(280);
  show_description({});
}

void SelectionPanel::set_theme(const Theme& theme) {
  theme_ = &theme;
  slot_view_->set_theme(theme);
  show_description(shown_);
}

void SelectionPanel::show_selection(const Document* document, const std::optional<Selection>& selection) {
  slot_view_->show_slot(document != nullptr && selection && selection->picture == 0 ? slot_of(*document, *selection)
                                                                                    : std::nullopt);
  show_description(document != nullptr && selection ? describe(*document, *selection) : Description{});
}

void SelectionPanel::show_description(const Description& description) {
  shown_ = description;
  if (description.headline.isEmpty()) {
    facts_->setHtml(
        QString("<p style='color:%1; margin:8px'>Click a pass, a bubble or a moment of memory. Drag over the "
                "timeline to measure a range.</p>")
            .arg(theme_->muted.name()));
    return;
  }
  QString html = QString(
                     "<p style='margin:4px 4px 6px 4px; font-size:14px; font-weight:bold'>%1</p>"
                     "<table cellpadding='3' style='margin:0 5px'>")
                     .arg(description.headline.toHtmlEscaped());
  for (const auto& [name, value] : description.facts) {
    html += QString("<tr><td style='color:%1; white-space:nowrap; padding-right:10px'>%2</td><td>%3</td></tr>")
                .arg(theme_->muted.name(), name.toHtmlEscaped(), value.toHtmlEscaped());
  }
  facts_->setHtml(html + "</table>");
}

}  // namespace pipeloom::gui
