#include "gui/panels/start_page.h"

#include <QAbstractButton>
#include <QFileInfo>
#include <QGridLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>
#include <algorithm>

#include "planner/app/sample_jobs.h"

namespace pipeloom::gui {

namespace {

constexpr int kColumns = 2;
constexpr size_t kRecentShown = 6;

// A button with a headline and a line or two below it.
class Card : public QAbstractButton {
 public:
  Card(const QString& headline, const QString& text, QWidget* parent) : QAbstractButton(parent), text_(text) {
    setText(headline);
    setAccessibleName(headline);
    setAccessibleDescription(text);
    setCursor(Qt::PointingHandCursor);
    setFocusPolicy(Qt::StrongFocus);
    setMinimumSize(300, 92);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAttribute(Qt::WA_Hover);
  }

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool active = underMouse() || hasFocus();
    painter.setPen(QPen(palette().color(active ? QPalette::Highlight : QPalette::Mid), active ? 2 : 1));
    painter.setBrush(palette().color(QPalette::AlternateBase));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 8, 8);
    const QRect inner = rect().adjusted(16, 12, -16, -10);
    QFont bold = font();
    bold.setBold(true);
    bold.setPixelSize(14);
    painter.setFont(bold);
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(inner, Qt::AlignTop | Qt::AlignLeft,
                     QFontMetrics(bold).elidedText(text(), Qt::ElideRight, inner.width()));
    QFont plain = font();
    plain.setPixelSize(12);
    painter.setFont(plain);
    painter.setPen(palette().color(QPalette::PlaceholderText));
    // Whole lines only: what does not fit ends in dots.
    const QRect below = inner.adjusted(0, 24, 0, 0);
    QString shown = text_;
    const QFontMetrics metrics(plain);
    while (metrics.boundingRect(below, Qt::TextWordWrap, shown).height() > below.height() && shown.contains(' ')) {
      shown = shown.left(shown.lastIndexOf(' ')) + "...";
      shown.replace("....", "...");
      if (shown.count(' ') == 0) break;
      const int dots = static_cast<int>(shown.lastIndexOf("..."));
      if (metrics.boundingRect(below, Qt::TextWordWrap, shown).height() > below.height()) shown = shown.left(dots);
    }
    painter.drawText(below, Qt::TextWordWrap, shown);
  }

 private:
  QString text_;
};

QLabel* section(const char* text) {
  auto* label = new QLabel(text);
  label->setObjectName("section");
  return label;
}

}  // namespace

StartPage::StartPage(QWidget* parent) : QWidget(parent) {
  setObjectName("start");
  auto* content = new QWidget;
  content->setMaximumWidth(920);
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(32, 28, 32, 24);
  column->setSpacing(12);
  auto* title = new QLabel("Pipeloom");
  title->setObjectName("title");
  column->addWidget(title);
  auto* tagline =
      new QLabel("See where a pipeline-parallel training step idles, why, and what a better plan would do.");
  tagline->setObjectName("muted");
  column->addWidget(tagline);

  auto* buttons = new QHBoxLayout;
  auto* open = new QPushButton("Open a job, plan or trace...");
  open->setDefault(true);
  connect(open, &QPushButton::clicked, this, &StartPage::open_wanted);
  auto* help = new QPushButton("Keys and mouse");
  connect(help, &QPushButton::clicked, this, &StartPage::help_wanted);
  auto* hint = new QLabel("or drop files anywhere; several are compared");
  hint->setObjectName("muted");
  buttons->addWidget(open);
  buttons->addWidget(help);
  buttons->addWidget(hint);
  buttons->addStretch();
  column->addSpacing(6);
  column->addLayout(buttons);

  column->addSpacing(10);
  column->addWidget(section("Samples"));
  auto* grid = new QGridLayout;
  grid->setSpacing(12);
  int number = 0;
  for (const planner::SampleJob& sample : planner::sample_jobs()) {
    auto* card = new Card(QString::fromStdString(sample.name), QString::fromStdString(sample.summary), content);
    card->setObjectName(QString::fromStdString(sample.path));
    connect(card, &Card::clicked, this,
            [this, path = QString::fromStdString(sample.path)] { Q_EMIT sample_chosen(path); });
    grid->addWidget(card, number / kColumns, number % kColumns);
    ++number;
  }
  column->addLayout(grid);
  column->addSpacing(10);
  recent_ = new QVBoxLayout;
  recent_->setSpacing(2);
  column->addLayout(recent_);
  column->addStretch();

  auto* scroll = new QScrollArea(this);
  scroll->setWidgetResizable(true);
  auto* centred = new QWidget;
  auto* row = new QHBoxLayout(centred);
  row->setContentsMargins(0, 0, 0, 0);
  row->addStretch(1);
  row->addWidget(content, 100);
  row->addStretch(1);
  scroll->setWidget(centred);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(scroll);
}

void StartPage::set_recent(const QStringList& paths) {
  while (QLayoutItem* item = recent_->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  if (paths.isEmpty()) return;
  recent_->addWidget(section("Recent files"));
  for (qsizetype i = 0; i < std::min<qsizetype>(paths.size(), kRecentShown); ++i) {
    auto* link = new QPushButton(QFileInfo(paths[i]).fileName() + "   " + QFileInfo(paths[i]).path());
    link->setFlat(true);
    link->setStyleSheet("text-align: left; border: none; background: transparent;");
    link->setCursor(Qt::PointingHandCursor);
    connect(link, &QPushButton::clicked, this, [this, path = paths[i]] { Q_EMIT file_chosen(path); });
    recent_->addWidget(link);
  }
}

}  // namespace pipeloom::gui
