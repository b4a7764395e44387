#pragma once

#include <QTimer>
#include <QWidget>

#include "gui/models/session.h"
#include "gui/panels/split_curve_view.h"
#include "planner/app/plan_settings.h"

class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QPushButton;
class QSlider;
class QSpinBox;

namespace pipeloom::gui {

// Schedule, layout, precision, memory and the split of the SMs. The slider plans anew as it moves; the rest on "Apply".
class PlanPanel : public QWidget {
  Q_OBJECT

 public:
  explicit PlanPanel(Session& session, QWidget* parent = nullptr);

  void show_document(const DocumentPointer& document);
  void set_theme(const Theme& theme);
  planner::PlanSettings settings() const;
  // What a search may let a rank hold where the job has no model, in millionths of an activation; 0: as much as the
  // plan does.
  int64_t activation_cap() const;
  const SplitCurveView& curve() const { return *curve_; }

 private:
  QWidget* form();
  QWidget* split();
  void apply();
  void slide(int comm_sms);
  void show_curve(const DocumentPointer& document);

  Session& session_;
  DocumentPointer document_;
  Background curves_;
  planner::PlanSettings shown_;
  QTimer refine_;

  QLabel* headline_;
  QFormLayout* form_;
  QComboBox* schedule_;
  QLabel* summary_;
  QSpinBox* ranks_;
  QSpinBox* micro_batches_;
  QSpinBox* chunks_;
  QSpinBox* tensor_;
  QSpinBox* expert_;
  QComboBox* precision_;
  QComboBox* recompute_;
  QDoubleSpinBox* memory_;
  QDoubleSpinBox* activations_;
  QPushButton* apply_;
  QPushButton* reset_;
  QWidget* split_;
  QLabel* split_text_;
  QSlider* slider_;
  SplitCurveView* curve_;
};

}  // namespace pipeloom::gui
