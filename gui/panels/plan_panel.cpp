#include "gui/panels/plan_panel.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSlider>
#include <QSpinBox>
#include <QVBoxLayout>
#include <cmath>

#include "planner/app/sm_split.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::gui {

namespace {

constexpr int kRestMs = 600;
constexpr int kSliderMerge = 1;  // its edits are undone together
constexpr double kGigabyte = 1e9;

QSpinBox* spin(const char* name, int least, int most) {
  auto* box = new QSpinBox;
  box->setObjectName(name);
  box->setRange(least, most);
  box->setKeyboardTracking(false);
  return box;
}

}  // namespace

PlanPanel::PlanPanel(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  headline_ = new QLabel;
  headline_->setObjectName("muted");
  headline_->setWordWrap(true);
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(12, 10, 12, 12);
  column->setSpacing(8);
  column->addWidget(headline_);
  column->addWidget(split());
  column->addWidget(form());
  column->addStretch();
  auto* scroll = new QScrollArea;
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setWidget(content);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(scroll);
  setMinimumWidth(280);
  show_document(nullptr);
}

QWidget* PlanPanel::form() {
  schedule_ = new QComboBox;
  schedule_->setObjectName("schedule");
  schedule_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  for (const planner::NamedSchedule& named : planner::named_schedules()) {
    schedule_->addItem(QString::fromUtf8(named.title.data(), static_cast<qsizetype>(named.title.size())),
                       QString::fromUtf8(named.name.data(), static_cast<qsizetype>(named.name.size())));
    schedule_->setItemData(schedule_->count() - 1,
                           QString::fromUtf8(named.summary.data(), static_cast<qsizetype>(named.summary.size())),
                           Qt::ToolTipRole);
  }
  summary_ = new QLabel;
  summary_->setObjectName("muted");
  summary_->setWordWrap(true);
  connect(schedule_, qOverload<int>(&QComboBox::currentIndexChanged), this, [this](int index) {
    summary_->setText(index < 0 ? "an order that a search found"
                                : schedule_->itemData(index, Qt::ToolTipRole).toString());
  });
  ranks_ = spin("ranks", 1, Placement::kMaxRanks);
  micro_batches_ = spin("micro_batches", 1, Schedule::kMaxMicroBatches);
  chunks_ = spin("chunks", 0, 64);
  chunks_->setSpecialValueText("as usual");
  tensor_ = spin("tensor", 1, 64);
  expert_ = spin("expert", 1, 4096);
  precision_ = new QComboBox;
  precision_->setObjectName("precision");
  precision_->addItems({"BF16", "FP16", "FP8"});
  recompute_ = new QComboBox;
  recompute_->setObjectName("recompute");
  recompute_->addItems({"nothing", "selective", "full"});
  memory_ = new QDoubleSpinBox;
  memory_->setObjectName("memory");
  memory_->setRange(0, 4000);
  memory_->setDecimals(1);
  memory_->setSuffix(" GB");
  memory_->setSpecialValueText("all of the GPU");
  activations_ = new QDoubleSpinBox;
  activations_->setObjectName("activations");
  activations_->setRange(0, 100'000);
  activations_->setDecimals(2);
  activations_->setSuffix(" activations");
  activations_->setSpecialValueText("as much as the plan");
  activations_->setToolTip("how many activations Improve may let a rank hold");
  apply_ = new QPushButton("Plan anew");
  apply_->setObjectName("apply");
  apply_->setDefault(true);
  connect(apply_, &QPushButton::clicked, this, &PlanPanel::apply);
  reset_ = new QPushButton("Reset");
  reset_->setObjectName("reset");
  connect(reset_, &QPushButton::clicked, this, [this] { show_document(document_); });

  auto* box = new QWidget;
  auto* rows = form_ = new QFormLayout(box);
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setVerticalSpacing(6);
  rows->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  rows->addRow("schedule", schedule_);
  rows->addRow(summary_);
  rows->addRow("ranks", ranks_);
  rows->addRow("micro-batches", micro_batches_);
  rows->addRow("chunks per rank", chunks_);
  rows->addRow("tensor parallel", tensor_);
  rows->addRow("expert parallel", expert_);
  rows->addRow("precision", precision_);
  rows->addRow("recompute", recompute_);
  rows->addRow("memory per GPU", memory_);
  rows->addRow("memory per rank", activations_);
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(apply_);
  buttons->addWidget(reset_);
  buttons->addStretch();
  rows->addRow(buttons);
  return box;
}

QWidget* PlanPanel::split() {
  split_ = new QWidget;
  split_text_ = new QLabel;
  split_text_->setWordWrap(true);
  slider_ = new QSlider(Qt::Horizontal);
  slider_->setObjectName("comm_sms");
  slider_->setAccessibleName("SMs for communication");
  connect(slider_, &QSlider::valueChanged, this, &PlanPanel::slide);
  // At rest the order inside pairs is searched too, which a moving slider has no time for.
  refine_.setSingleShot(true);
  refine_.setInterval(kRestMs);
  connect(&refine_, &QTimer::timeout, this, [this] {
    if (session_.busy()) return refine_.start();
    if (!document_ || !document_->step || shown_.comm_sms != slider_->value()) return;  // undone, or another plan
    session_.edit(
        "split the SMs",
        [comm_sms = slider_->value()](const planner::Subject& subject) {
          return planner::with_comm_sms(subject, comm_sms, planner::searched_order);
        },
        kSliderMerge);
  });
  curve_ = new SplitCurveView;
  auto* column = new QVBoxLayout(split_);
  column->setContentsMargins(0, 8, 0, 0);
  auto* title = new QLabel("SMs for communication");
  title->setObjectName("section");
  column->addWidget(title);
  column->addWidget(split_text_);
  column->addWidget(slider_);
  column->addWidget(curve_);
  return split_;
}

void PlanPanel::set_theme(const Theme& theme) {
  curve_->set_theme(theme);
}

planner::PlanSettings PlanPanel::settings() const {
  planner::PlanSettings settings = shown_;
  if (schedule_->currentIndex() >= 0) settings.schedule = schedule_->currentData().toString().toStdString();
  settings.ranks = ranks_->value();
  settings.micro_batches = micro_batches_->value();
  settings.chunks = chunks_->value();
  settings.tensor = tensor_->value();
  settings.expert = expert_->value();
  settings.precision = static_cast<Precision>(precision_->currentIndex());
  settings.recompute = static_cast<Recompute>(recompute_->currentIndex());
  settings.memory_limit_bytes = static_cast<int64_t>(memory_->value() * kGigabyte);
  settings.comm_sms = slider_->isEnabled() ? slider_->value() : shown_.comm_sms;
  return settings;
}

int64_t PlanPanel::activation_cap() const {
  return std::llround(activations_->value() * 1e6);
}

void PlanPanel::show_document(const DocumentPointer& document) {
  const bool other_step = !document_ || !document || document_->step != document->step;
  document_ = document;
  const bool plan = document && document->step;
  setEnabled(plan);
  if (!plan) {
    headline_->setText(document ? "a trace alone has no plan to change" : "open a job or a plan");
    split_->hide();
    return;
  }
  const planner::Subject& subject = document->step->subject;
  headline_->setText(QString::fromStdString(document->picture->detail));
  shown_ = planner::settings_of(subject);
  schedule_->setCurrentIndex(schedule_->findData(QString::fromStdString(shown_.schedule)));
  ranks_->setValue(shown_.ranks);
  micro_batches_->setValue(shown_.micro_batches);
  chunks_->setValue(shown_.chunks);
  tensor_->setValue(shown_.tensor);
  expert_->setValue(shown_.expert);
  precision_->setCurrentIndex(static_cast<int>(shown_.precision));
  recompute_->setCurrentIndex(static_cast<int>(shown_.recompute));
  memory_->setValue(static_cast<double>(shown_.memory_limit_bytes) / kGigabyte);
  const bool model = subject.job.model.has_value();
  form_->setRowVisible(memory_, model);
  form_->setRowVisible(activations_, !model);
  for (QWidget* widget : std::initializer_list<QWidget*>{tensor_, precision_, recompute_, memory_}) {
    widget->setEnabled(model);
  }
  expert_->setEnabled(model && subject.job.model->moe.has_value());
  split_->setVisible(planner::has_pairs(subject));
  if (!planner::has_pairs(subject)) return;
  const QSignalBlocker quiet(slider_);
  const std::vector<int> splits = planner::candidate_splits(*subject.job.cluster);
  slider_->setRange(splits.front(), std::max(splits.back(), shown_.comm_sms));
  if (!slider_->isSliderDown()) slider_->setValue(shown_.comm_sms);
  split_text_->setText(QString("%1 of %2: the step takes %3")
                           .arg(shown_.comm_sms)
                           .arg(subject.job.cluster->gpu.sms)
                           .arg(QString::fromStdString(document->step->why.time(subject.evaluation.end.step_ns))));
  curve_->set_current(shown_.comm_sms);
  if (other_step) show_curve(document);
}

void PlanPanel::show_curve(const DocumentPointer& document) {
  curves_.run([step = document->step] { return planner::split_points(step->subject); },
              [this](std::vector<planner::SplitPoint> points) { curve_->set_points(std::move(points)); });
}

void PlanPanel::apply() {
  if (schedule_->currentIndex() < 0) return;
  session_.edit("plan anew", [settings = settings()](const planner::Subject& subject) {
    return planner::with_settings(subject, settings);
  });
}

void PlanPanel::slide(int comm_sms) {
  curve_->set_current(comm_sms);
  session_.edit(
      "split the SMs",
      [comm_sms](const planner::Subject& subject) { return planner::with_comm_sms(subject, comm_sms); }, kSliderMerge);
  refine_.start();
}

}  // namespace pipeloom::gui
