#include "gui/models/session.h"

#include <chrono>
#include <new>

#include "planner/app/improve.h"
#include "planner/app/save_plan.h"
#include "planner/app/search_limits.h"

namespace pipeloom::gui {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kSearchFor = std::chrono::seconds(60);
constexpr auto kBetweenReports = std::chrono::milliseconds(200);

// Files may be of any size: what does not fit the memory is an error like any other.
template <typename Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return invalid("this needs more memory than the machine has");
  } catch (const std::exception& bug) {
    return invalid(std::string("internal error, please report it: ") + bug.what());
  }
}

std::vector<std::string> in_std(const QStringList& paths) {
  std::vector<std::string> all;
  for (const QString& path : paths) all.push_back(path.toStdString());
  return all;
}

}  // namespace

// Takes the session from one document to another and back.
class DocumentCommand : public QUndoCommand {
 public:
  DocumentCommand(Session& session, const QString& what, DocumentPointer before, DocumentPointer after, int merge)
      : QUndoCommand(what), session_(session), before_(std::move(before)), after_(std::move(after)), merge_(merge) {}

  void undo() override { session_.show(before_); }
  void redo() override { session_.show(after_); }
  int id() const override { return merge_; }
  bool mergeWith(const QUndoCommand* later) override {
    after_ = static_cast<const DocumentCommand*>(later)->after_;
    return true;
  }

 private:
  Session& session_;
  DocumentPointer before_;
  DocumentPointer after_;
  int merge_;
};

Session::Session() {
  connect(&undo_stack_, &QUndoStack::indexChanged, this, &Session::state_changed);
  connect(&undo_stack_, &QUndoStack::cleanChanged, this, &Session::state_changed);
}

Session::~Session() {
  *cancelled_ = true;
}

void Session::replace_all(std::vector<DocumentPointer> documents) {
  stop();
  searching_.drop();
  editing_.drop();
  documents_ = std::move(documents);
  undo_stack_.clear();
  Q_EMIT documents_changed();
  Q_EMIT state_changed();
}

void Session::open(const QStringList& paths) {
  if (paths.isEmpty()) return;
  loading_.run(
      [paths = in_std(paths), options = options_] { return guarded([&] { return open_documents(paths, options); }); },
      [this](Result<std::vector<DocumentPointer>> opened) {
        if (opened) {
          replace_all(std::move(*opened));
        } else {
          Q_EMIT failed(QString::fromStdString(opened.error().message));
        }
        Q_EMIT state_changed();
      });
  Q_EMIT state_changed();
}

void Session::open_sample(const QString& path) {
  loading_.run(
      [path, options = options_] {
        return guarded([&] { return pipeloom::gui::open_sample(path.toStdString(), options); });
      },
      [this](Result<DocumentPointer> opened) {
        if (opened) {
          replace_all({*opened});
        } else {
          Q_EMIT failed(QString::fromStdString(opened.error().message));
        }
        Q_EMIT state_changed();
      });
  Q_EMIT state_changed();
}

void Session::add_to_comparison(const QStringList& paths) {
  if (paths.isEmpty()) return;
  loading_.run(
      [paths = in_std(paths), options = options_] { return guarded([&] { return open_documents(paths, options); }); },
      [this](Result<std::vector<DocumentPointer>> opened) {
        if (opened) {
          documents_.insert(documents_.end(), opened->begin(), opened->end());
          Q_EMIT documents_changed();
        } else {
          Q_EMIT failed(QString::fromStdString(opened.error().message));
        }
        Q_EMIT state_changed();
      });
  Q_EMIT state_changed();
}

void Session::lay_trace_over(const QString& path) {
  if (!document()) return;
  loading_.run([path, base = document()] { return guarded([&] { return with_trace(*base, path.toStdString()); }); },
               [this](Result<DocumentPointer> changed) {
                 if (changed) {
                   show(*changed);
                 } else {
                   Q_EMIT failed(QString::fromStdString(changed.error().message));
                 }
                 Q_EMIT state_changed();
               });
  Q_EMIT state_changed();
}

void Session::close_all() {
  loading_.drop();
  replace_all({});
}

void Session::show(DocumentPointer shown) {
  if (documents_.empty()) return;
  documents_.front() = std::move(shown);
  if (documents_.front()->options == options_) {
    Q_EMIT documents_changed();
  } else {
    set_options(options_);
  }
}

void Session::set_options(const PictureOptions& options) {
  options_ = options;
  if (documents_.empty()) return;
  painting_.run(
      [before = documents_, options] {
        std::vector<DocumentPointer> after;
        for (const DocumentPointer& one : before) after.push_back(with_options(*one, options));
        return after;
      },
      [this, before = documents_](std::vector<DocumentPointer> after) {
        if (documents_ != before) return set_options(options_);  // something was opened or changed meanwhile
        documents_ = std::move(after);
        Q_EMIT documents_changed();
        Q_EMIT state_changed();
      });
}

void Session::push(const QString& what, DocumentPointer after, int merge) {
  undo_stack_.push(new DocumentCommand(*this, what, document(), std::move(after), merge));
}

void Session::edit(const QString& what, Edit edit, int merge) {
  if (!document() || !document()->step) return;
  editing_.run(
      [base = document(), edit = std::move(edit)]() -> Result<DocumentPointer> {
        return guarded([&]() -> Result<DocumentPointer> {
          PIPELOOM_TRY(planner::Subject subject, edit(base->step->subject));
          return with_subject(*base, std::move(subject));
        });
      },
      [this, what, merge](Result<DocumentPointer> after) {
        if (after) {
          push(what, std::move(*after), merge);
        } else {
          Q_EMIT failed(QString::fromStdString(after.error().message));
        }
        Q_EMIT state_changed();
      });
  Q_EMIT state_changed();
}

void Session::preview(Edit edit, std::function<void(const Result<planner::Subject>&)> done) {
  if (!document() || !document()->step) return;
  previewing_.run(
      [base = document(), edit = std::move(edit)] { return guarded([&] { return edit(base->step->subject); }); },
      [done = std::move(done)](Result<planner::Subject> subject) { done(subject); });
}

planner::SearchLimits Session::limits() {
  const Job& planned = document()->step->subject.job;
  planner::SearchLimits limits = planner::limits_of({.budget = kSearchFor}, planned);
  limits.cancel = cancelled_.get();
  // Called on the searching threads' side; the message crosses over as a queued call.
  limits.progress = [this, job = planned, last = Clock::time_point{}](const planner::SearchProgress& progress) mutable {
    if (Clock::now() - last < kBetweenReports) return;
    last = Clock::now();
    const QString text = QString("%1 moves, best makespan %2, bound %3")
                             .arg(progress.moves)
                             .arg(QString::fromStdString(planner::time_text(job, progress.value_ns)),
                                  QString::fromStdString(planner::time_text(job, progress.bound_ns)));
    QMetaObject::invokeMethod(
        this, [this, text] { Q_EMIT progressed(text); }, Qt::QueuedConnection);
  };
  return limits;
}

void Session::improve(int64_t activation_cap) {
  if (!document() || !document()->step || improving()) return;
  cancelled_ = std::make_shared<std::atomic<bool>>(false);
  searching_.run(
      [base = document(), activation_cap, limits = limits(),
       keep = cancelled_]() -> Result<std::pair<DocumentPointer, bool>> {
        return guarded([&]() -> Result<std::pair<DocumentPointer, bool>> {
          PIPELOOM_TRY(planner::Improved found, planner::improved(base->step->subject, activation_cap, limits));
          const bool better = found.better;
          return std::pair(better ? with_subject(*base, std::move(found.subject)) : base, better);
        });
      },
      [this, base = document()](Result<std::pair<DocumentPointer, bool>> found) {
        if (!found) {
          Q_EMIT failed(QString::fromStdString(found.error().message));
        } else if (!document() || document()->step != base->step) {
          Q_EMIT told("the plan was changed meanwhile; what the search found is for the old one");
        } else if (!found->second) {
          Q_EMIT told("the search found nothing better");
        } else {
          push("improve", found->first, -1);
          Q_EMIT told("a better order was found");
        }
        Q_EMIT state_changed();
      });
  Q_EMIT state_changed();
}

void Session::stop() {
  *cancelled_ = true;
}

void Session::save(const QString& path) {
  if (!document() || !document()->step) return;
  saving_.run(
      [base = document(), name = path.toStdString()]() -> Result<DocumentPointer> {
        return guarded([&]() -> Result<DocumentPointer> {
          PIPELOOM_RETURN_IF_ERROR(planner::save_plan(base->step->subject, name));
          return saved_as(*base, name);
        });
      },
      [this, base = document(), path](Result<DocumentPointer> after) {
        if (!after) {
          Q_EMIT failed(QString::fromStdString(after.error().message));
        } else {
          if (document() == base) {
            documents_.front() = *after;
            undo_stack_.setClean();
            Q_EMIT documents_changed();
          }
          Q_EMIT saved(path);
        }
        Q_EMIT state_changed();
      });
  Q_EMIT state_changed();
}

}  // namespace pipeloom::gui
