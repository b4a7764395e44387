#pragma once

#include <QStringList>
#include <QWidget>

class QVBoxLayout;

namespace pipeloom::gui {

// What a newcomer sees: the samples, one click each; files that were open before; where to go from here.
class StartPage : public QWidget {
  Q_OBJECT

 public:
  explicit StartPage(QWidget* parent = nullptr);
  void set_recent(const QStringList& paths);

 Q_SIGNALS:
  void sample_chosen(const QString& path);
  void file_chosen(const QString& path);
  void open_wanted();
  void help_wanted();

 private:
  QVBoxLayout* recent_;
};

}  // namespace pipeloom::gui
