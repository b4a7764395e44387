#pragma once

#include <QObject>
#include <QStringList>
#include <QUndoStack>
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "gui/models/background.h"
#include "gui/models/document.h"
#include "planner/search/search.h"

namespace pipeloom::gui {

// What is open, and how it changes: documents are read, planned, searched and saved in the background; every change of
// the plan can be undone. The first document is the one that is changed, the others stand beside it.
class Session : public QObject {
  Q_OBJECT

 public:
  using Edit = std::function<Result<planner::Subject>(const planner::Subject&)>;

  Session();
  ~Session() override;

  const std::vector<DocumentPointer>& documents() const { return documents_; }
  DocumentPointer document() const { return documents_.empty() ? nullptr : documents_.front(); }
  QUndoStack& undo_stack() { return undo_stack_; }
  const PictureOptions& options() const { return options_; }
  bool has_unsaved_changes() const { return !undo_stack_.isClean(); }
  bool busy() const { return loading_.running() || editing_.running() || saving_.running(); }
  bool painting() const { return painting_.running(); }  // pictures anew, with other options
  bool improving() const { return searching_.running(); }

  // The first takes the place of what is open, the others stand beside it.
  void open(const QStringList& paths);
  void open_sample(const QString& path);
  void add_to_comparison(const QStringList& paths);
  void lay_trace_over(const QString& path);
  void close_all();
  void set_options(const PictureOptions& options);
  // `merge`: consecutive edits with the same number are undone together; below 0: alone.
  void edit(const QString& what, Edit edit, int merge = -1);
  // What `edit` would lead to, without doing it. Only the last one asked for is told.
  void preview(Edit edit, std::function<void(const Result<planner::Subject>&)> done);
  // `activation_cap`: as of planner::improved().
  void improve(int64_t activation_cap = 0);
  void stop();
  void save(const QString& path);

 Q_SIGNALS:
  void documents_changed();
  void state_changed();  // busy, improving, or what may be undone
  void failed(const QString& message);
  void told(const QString& message);  // good news
  void progressed(const QString& message);
  void saved(const QString& path);

 private:
  friend class DocumentCommand;

  void replace_all(std::vector<DocumentPointer> documents);
  void show(DocumentPointer document);  // in the place of the first
  void push(const QString& what, DocumentPointer after, int merge);
  planner::SearchLimits limits();

  std::vector<DocumentPointer> documents_;
  PictureOptions options_;
  QUndoStack undo_stack_;
  Background loading_;
  Background editing_;
  Background painting_;
  Background previewing_;
  Background saving_;
  Background searching_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace pipeloom::gui
