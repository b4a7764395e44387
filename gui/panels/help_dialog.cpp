#include "gui/panels/help_dialog.h"

#include <QDialogButtonBox>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace pipeloom::gui {

namespace {

QString row_html(const QString& left, const QString& name, const QString& help) {
  return QString(
             "<tr><td style='padding:3px 18px 3px 0; white-space:nowrap'><b>%1</b></td>"
             "<td style='padding:3px 18px 3px 0; white-space:nowrap'>%2</td><td style='padding:3px 0'>%3</td></tr>")
      .arg(left.toHtmlEscaped(), name.toHtmlEscaped(), help.toHtmlEscaped());
}

}  // namespace

QString help_html() {
  QString html;
  for (const char* menu : {"File", "View", "Go", "Plan", "Help"}) {
    html += QString("<h3>%1</h3><table>").arg(menu);
    for (const ActionRow& row : action_table()) {
      if (QString(row.menu) != menu) continue;
      const QString keys = QString(row.keys).split(' ').join("  or  ");
      html += row_html(keys, QString(row.name).remove("..."), row.help);
    }
    html += "</table>";
  }
  html += "<h3>Mouse</h3><table>";
  for (const MouseRow& row : mouse_table()) html += row_html(row.gesture, "", row.help);
  return html + "</table>";
}

HelpDialog::HelpDialog(QWidget* parent) : QDialog(parent) {
  setObjectName("help");
  setWindowTitle("Keys and mouse");
  resize(760, 600);
  auto* text = new QTextBrowser;
  text->setObjectName("help_text");
  text->setHtml(help_html());
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* column = new QVBoxLayout(this);
  column->addWidget(text);
  column->addWidget(buttons);
}

CommandPalette::CommandPalette(QWidget* parent) : QDialog(parent) {
  setObjectName("palette");
  setWindowTitle("Find an action");
  resize(480, 360);
  auto* words = new QLineEdit;
  words->setPlaceholderText("what to do");
  auto* list = new QListWidget;
  const auto fill = [list](const QString& typed) {
    list->clear();
    for (const ActionRow& row : action_table()) {
      const QString text = QString("%1   %2").arg(QString(row.name).remove("..."), row.help);
      if (!text.contains(typed, Qt::CaseInsensitive)) continue;
      auto* item = new QListWidgetItem(text, list);
      item->setData(Qt::UserRole, static_cast<int>(row.act));
    }
    list->setCurrentRow(0);
  };
  fill("");
  connect(words, &QLineEdit::textChanged, this, fill);
  const auto choose = [this, list] {
    const QListWidgetItem* item = list->currentItem();
    if (item == nullptr) return;
    const auto act = static_cast<Act>(item->data(Qt::UserRole).toInt());
    accept();
    Q_EMIT chosen(act);
  };
  connect(words, &QLineEdit::returnPressed, this, choose);
  connect(list, &QListWidget::itemActivated, this, choose);
  auto* column = new QVBoxLayout(this);
  column->addWidget(words);
  column->addWidget(list);
}

}  // namespace pipeloom::gui
